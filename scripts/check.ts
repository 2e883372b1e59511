/**
 * `npm run check`: format, types, lint, arrows, dead code and tidiness, in well under a minute. Prints one line a step, and
 * under a step that failed what it said. Exits 1 when any step failed. Changes no file and needs no network.
 */
import { execFile } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { findArrowProblems } from './arrows.ts'
import type { Problem } from './checkout.ts'
import { findTidyProblems } from './tidy.ts'

const ROOT = join(import.meta.dirname, '..')
const STEP_TIMEOUT_MS = 120_000

interface Result {
  ok: boolean
  output: string
}
interface Step {
  name: string
  run: () => Result | Promise<Result>
}

/** Runs the program of an installed package on this very Node, whatever `node` on the path is. */
function program(file: string, ...args: string[]): () => Promise<Result> {
  return () =>
    new Promise((done) => {
      const options = {
        cwd: ROOT,
        timeout: STEP_TIMEOUT_MS,
        maxBuffer: 1 << 26,
        env: { ...process.env, NO_COLOR: '1' },
      }
      execFile(process.execPath, [join(ROOT, 'node_modules', file), ...args], options, (error, stdout, stderr) => {
        const why = error?.killed ? `ended after ${STEP_TIMEOUT_MS / 1000} s\n` : ''
        done({ ok: error === null, output: `${stdout}${stderr}${why}` })
      })
    })
}

function finder(find: (root: string) => Problem[]): () => Result {
  return () => {
    const lines = find(ROOT).map(
      ({ file, line, message }) => `${file}${line === undefined ? '' : `:${line}`} ${message}`,
    )
    return { ok: lines.length === 0, output: lines.join('\n') }
  }
}

/** The slowest first, so that two cores end at about the same time. */
const STEPS: readonly Step[] = [
  { name: 'dead code', run: program('knip/bin/knip.js', '--no-progress', '--no-config-hints') },
  { name: 'types', run: program('typescript/bin/tsc', '-p', 'tsconfig.json') },
  { name: 'pure types', run: program('typescript/bin/tsc', '-p', 'tsconfig.pure.json') },
  { name: 'page types', run: program('typescript/bin/tsc', '-p', 'tsconfig.console.json') },
  { name: 'lint', run: program('oxlint/bin/oxlint', '--deny-warnings', '--format=unix') },
  { name: 'format', run: program('@biomejs/biome/bin/biome', 'format', '--reporter=summary') },
  { name: 'arrows', run: finder(findArrowProblems) },
  { name: 'tidy', run: finder(findTidyProblems) },
]

async function runStep({ name, run }: Step): Promise<boolean> {
  const start = performance.now()
  const { ok, output } = await settle(run)
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(12)} ${seconds.padStart(5)} s`)
  if (!ok) console.log(output.trimEnd().replace(/^/gm, '       '))
  return ok
}

/** A step that throws has failed, and what it threw is its output. */
async function settle(run: Step['run']): Promise<Result> {
  try {
    return await run()
  } catch (error) {
    return { ok: false, output: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

const queue = [...STEPS]
const results: boolean[] = []
async function work(): Promise<void> {
  for (let step = queue.shift(); step !== undefined; step = queue.shift()) results.push(await runStep(step))
}
await Promise.all(Array.from({ length: Math.min(availableParallelism(), STEPS.length) }, work))
process.exitCode = results.every(Boolean) ? 0 : 1
