/**
 * Starts a TypeScript program of this checkout from any Node that can start npm: installs the locked packages when they
 * are missing or old, then runs the program on the Node that the lock names.
 *
 *     node bin/launch.mjs SCRIPT [arguments]
 *
 * Guarantees: the packages match package-lock.json, signals and the exit code pass through, and nothing is written to
 * standard output, which belongs to the program. The program ends, in order, also when npm or this launcher is killed.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureInstalled, root, say } from './launcher/install.mjs'

const oldest = [20, 19]
/** What Node made of each source, types stripped. Whoever may write here may write the packages. */
const compiled = join(root, 'node_modules', '.cache', 'node')

export async function launch(script, args) {
  try {
    const [major, minor] = process.versions.node.split('.').map(Number)
    if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
      throw new Error(`Node ${process.versions.node} is too old to start: install Node ${oldest.join('.')} or newer`)
    }
    await ensureInstalled()
    runProgram(node(), script, args)
  } catch (error) {
    say(error.message)
    process.exitCode = 1
  }
}

/** TypeScript is run by stripping types, which the Node that came with the system may be too old for. */
function node() {
  const bundled = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
  if (existsSync(bundled)) return bundled
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  throw new Error(
    `no Node is bundled for ${process.platform} on ${process.arch}: install Node 24 or newer and start again`,
  )
}

function runProgram(file, script, args) {
  const path = [join(root, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter)
  const env = { NODE_COMPILE_CACHE: compiled, ...process.env, PATH: path, EXO_LAUNCHER_PID: String(process.pid) }
  const follow = new URL('launcher/follow.mjs', import.meta.url).href
  const child = spawn(file, ['--import', follow, script, ...args], { stdio: 'inherit', env })
  const forward = (signal) => child.kill(signal)
  whenNpmEnds(() => forward('SIGTERM'))
  process.on('SIGTERM', forward)
  process.on('SIGHUP', forward)
  // A terminal sends Ctrl-C to the whole group, so the program has it already, and a second one would mean "at once".
  process.on('SIGINT', process.stdin.isTTY ? () => undefined : forward)
  child.once('error', (error) => {
    say(`${file} could not be started: ${error.message}`)
    process.exit(1)
  })
  child.once('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
}

/**
 * `npm start` runs `sh -c 'node bin/launch.mjs …'`. A signal for npm reaches the shell, which dies of it and tells
 * nobody, so the shell and npm are watched instead. Started by hand, the launcher follows nobody: its terminal may go.
 */
function whenNpmEnds(end) {
  if (process.env.npm_lifecycle_event === undefined) return
  const shell = process.ppid
  const npm = parentOf(shell)
  const watch = setInterval(() => {
    if (process.ppid === shell && parentOf(shell) === npm) return
    clearInterval(watch)
    end()
  }, 250)
  watch.unref()
}

function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]
  } catch {
    return null
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [script, ...args] = process.argv.slice(2)
  if (script === undefined) {
    say('usage: node bin/launch.mjs SCRIPT [arguments]')
    process.exitCode = 2
  } else {
    await launch(resolve(script), args)
  }
}
