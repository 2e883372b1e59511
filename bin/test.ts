/**
 * `npm test`: everything it needs is started by the tests' own set-up and stopped by it. All tests are two runs side by
 * side, since tests mostly wait for what they started; arguments make it one run of what they name.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const vitest = join(import.meta.dirname, '..', 'node_modules', 'vitest', 'vitest.mjs')
const asked = process.argv.slice(2)
const runs = asked.length > 0 ? [run(asked)] : [run(['--project', 'unit', '--project', 'stack']), apart()]
for (const child of runs)
  child.once('exit', (code, signal) => {
    process.exitCode = Math.max(Number(process.exitCode ?? 0), signal === null ? (code ?? 1) : 1)
  })
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    for (const child of runs) child.kill(signal)
  })

function run(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [vitest, 'run', ...args], { stdio: 'inherit' })
}

/** Its lines are told from the others' by how they begin. */
function apart(): ChildProcess {
  const child = spawn(process.execPath, [vitest, 'run', '--project', 'apart'], { stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => process.stdout.write(`apart | ${line}\n`))
  return child
}
