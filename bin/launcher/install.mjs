/**
 * Makes node_modules match package-lock.json.
 *
 * Guarantees: nothing is installed when the packages already match, whoever installed them; one installer at a time in
 * a checkout, and one that died is not waited for. Does not notice files that were changed inside a package.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { underLock } from './install-lock.mjs'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const modules = join(root, 'node_modules')
const stampFile = join(modules, '.exo-installed')

export const say = (line) => process.stderr.write(`exo: ${line}\n`)

export async function ensureInstalled() {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8')
  const digest = createHash('sha256').update(lock).digest('hex')
  if (stamp() !== digest) {
    // Outside node_modules, which npm ci removes.
    const waiting = () => say('another process is installing the packages, waiting for it')
    await underLock(join(root, '.exo', 'install.lock'), waiting, () => install(lock, digest))
  }
  linkCommand()
}

const stamp = () => (existsSync(stampFile) ? readFileSync(stampFile, 'utf8').trim() : null)

async function install(lock, digest) {
  if (stamp() === digest) return
  if (!matchesRecord(JSON.parse(lock))) {
    const why = existsSync(modules)
      ? 'the installed packages are not those of package-lock.json'
      : 'no packages are installed yet'
    say(`${why}, running npm ci (about half a minute, once)`)
    await run(...npm(), 'ci')
  }
  writeFileSync(stampFile, `${digest}\n`)
}

/** npm leaves a record of what it installed; packages for other platforms are in the lock and not in the record. */
function matchesRecord(lock) {
  let installed
  try {
    installed = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8')).packages
  } catch {
    return false
  }
  const same = (path, entry) => {
    const mine = installed[path]
    if (mine === undefined) return entry.optional === true && !isBundledNode(path)
    return mine.version === entry.version && mine.integrity === entry.integrity && existsSync(join(root, path))
  }
  return Object.entries(lock.packages).every(([path, entry]) => path === '' || same(path, entry))
}

const isBundledNode = (path) => path === `node_modules/node-${process.platform}-${process.arch}`

/** Under `npm start` npm says where it is, which need not be on PATH. */
function npm() {
  const own = process.env.npm_execpath
  return own?.endsWith('npm-cli.js') ? [process.execPath, own] : ['npm']
}

/** npm's output goes to standard error: standard output is the program's, and may be JSON. */
function run(file, ...args) {
  return new Promise((done, failed) => {
    const child = spawn(file, args, { cwd: root, stdio: ['ignore', 2, 2] })
    child.once('error', (error) => failed(new Error(`npm could not be started: ${error.message}`)))
    child.once('exit', (code, signal) => {
      if (code === 0) done()
      else failed(new Error(`npm ci ended with ${signal ?? `code ${code}`}; the reason is above, then start again`))
    })
  })
}

/**
 * npm links the commands of dependencies, not of the checkout itself; with this link `exo` works in scripts and `npx
 * exo`.
 */
function linkCommand() {
  const link = join(modules, '.bin', 'exo')
  const target = '../../bin/exo.mjs'
  try {
    if (readlinkSync(link) === target) return
    rmSync(link, { force: true })
  } catch {
    // There is no link yet.
  }
  try {
    chmodSync(join(root, 'bin', 'exo.mjs'), 0o755)
    symlinkSync(target, link)
  } catch (error) {
    if (error.code !== 'EEXIST')
      say(`node_modules/.bin/exo could not be made (${error.message}); use: node bin/exo.mjs`)
  }
}
