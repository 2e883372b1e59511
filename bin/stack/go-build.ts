/**
 * Builds a program from the Go module `tools/devinfra`, whose go.sum pins every byte that is compiled.
 *
 * Guarantees: exactly the module's locked versions, whatever GOFLAGS the user has, and one build at a time in a
 * process, since two would only halve each other's processors. Needs Go and a module proxy or a warm module cache.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { lastLines, runCommand } from './command.ts'
import { type Progress, StackError } from './types.ts'

export interface GoProgram {
  package: string
  label: string
  ldflags?: string
}

const moduleDir = fileURLToPath(new URL('../../tools/devinfra', import.meta.url))
const reportEveryMs = 20_000
const noGo =
  'Install Go 1.25 or newer, or put versitygw and temporal on PATH, or set EXO_S3_ENDPOINT and EXO_TEMPORAL_ADDRESS.'
const noBuild = 'Check that the Go module proxy can be reached and that 3 GB of disk are free, then start again.'

let queue: Promise<unknown> = Promise.resolve()

export function goBuild(program: GoProgram, output: string, progress: Progress, signal?: AbortSignal): Promise<void> {
  const mine = queue.then(() => build(program, output, progress, signal))
  queue = mine.catch(() => undefined)
  return mine
}

async function build(program: GoProgram, output: string, progress: Progress, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  const { label } = program
  const options = { cwd: moduleDir, env: buildEnvironment(output), signal }
  const version = await runCommand('go', ['env', 'GOVERSION'], options)
  signal?.throwIfAborted()
  if (version.code !== 0) {
    throw new StackError(`${label}: cannot be built, Go does not run: ${lastLines(version.output)}`, { remedy: noGo })
  }
  progress(
    `${label}: building it from source with ${version.output.trim()}, one to three minutes on two processors, ` +
      'seconds when Go has compiled it before; kept for later starts',
  )
  const flags = ['-mod=readonly', '-buildvcs=false', '-v', '-ldflags', `-s -w ${program.ldflags ?? ''}`.trim()]
  const tally = reportTally(label, progress)
  try {
    // Fetches the sources and counts the packages, so that the wait has an end in sight.
    await runCommand('go', ['list', '-mod=readonly', '-deps', program.package], { ...options, onLine: tally.listed })
    const args = ['build', ...flags, '-o', output, program.package]
    const { code, output: log } = await runCommand('go', args, { ...options, onLine: tally.compiled })
    signal?.throwIfAborted()
    if (code !== 0) throw new StackError(`${label}: building it failed:\n${lastLines(log)}`, { remedy: noBuild })
  } finally {
    tally.stop()
  }
}

function reportTally(label: string, progress: Progress) {
  const startedAt = Date.now()
  const count = { fetched: 0, packages: 0, compiled: 0 }
  const counter = (name: 'packages' | 'compiled') => (line: string) => {
    count[line.startsWith('go: ') ? 'fetched' : name] += 1
  }
  const timer = setInterval(() => {
    const seconds = Math.round((Date.now() - startedAt) / 1000)
    const { fetched, packages, compiled } = count
    const what = compiled === 0 ? `${fetched} modules fetched` : `${compiled} of at most ${packages} packages compiled`
    progress(`${label}: still building, ${seconds} s so far, ${what}`)
  }, reportEveryMs)
  return { listed: counter('packages'), compiled: counter('compiled'), stop: () => clearInterval(timer) }
}

/** A user without a home has no place for Go's caches, so they go into ours. */
function buildEnvironment(output: string): NodeJS.ProcessEnv {
  const home = process.env['HOME']
  const homeless = home === undefined || home === '' || home === '/nonexistent'
  const cache = dirname(dirname(output))
  return {
    ...process.env,
    // As the makers build their own releases: no C compiler is needed, and the result runs on any Linux.
    CGO_ENABLED: '0',
    GOWORK: 'off',
    ...(homeless ? { GOCACHE: join(cache, 'go-build'), GOPATH: join(cache, 'go') } : {}),
  }
}
