/**
 * `npm run test:security`: runs the files in which each attack is shown to fail, and prints them as a table with counts.
 * Exits 1 when a test failed, and also when a test that the table names is not there or did not run.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { ATTACKS, type Proof } from './attacks.ts'

const ROOT = join(import.meta.dirname, '..', '..')

interface Report {
  testResults: { name: string; assertionResults: { fullName: string; status: string }[] }[]
}

const files = [...new Set(ATTACKS.flatMap(({ proofs }) => proofs.map(({ file }) => file)))]
const folder = mkdtempSync(join(tmpdir(), 'exo-security-'))
const outputFile = join(folder, 'report.json')
const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${outputFile}`]
const child = spawn(process.execPath, [vitest, 'run', '--project', 'stack', ...reporters, ...files], {
  cwd: ROOT,
  stdio: 'inherit',
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
const [code] = (await once(child, 'exit')) as [number | null]

const report = JSON.parse(readFileSync(outputFile, 'utf8')) as Report
rmSync(folder, { recursive: true })
const ran = new Map(report.testResults.map((each) => [relative(ROOT, each.name), each.assertionResults]))

function proven({ file, tests, atLeast = 1 }: Proof): { tests: number; held: number; complete: boolean } {
  const found = (ran.get(file) ?? []).filter(({ fullName }) => fullName.startsWith(tests))
  const held = found.filter(({ status }) => status === 'passed').length
  return { tests: found.length, held, complete: held === found.length && held >= atLeast }
}

const rows = ATTACKS.flatMap(({ attack, proofs }) =>
  proofs.map((proof, i) => ({ attack: i === 0 ? attack : '', proof, ...proven(proof) })),
)
const wide = Math.max(...ATTACKS.map(({ attack }) => attack.length))
const line = (attack: string, tests: string, held: string, where: string) =>
  process.stdout.write(`${attack.padEnd(wide)}  ${tests.padStart(5)}  ${held.padStart(5)}  ${where}\n`)
process.stdout.write('\n')
line('attack', 'tests', 'held', 'where')
for (const { attack, proof, tests, held, complete } of rows)
  line(attack, String(tests), String(held), `${complete ? '' : 'NOT SHOWN: '}${proof.file}: ${proof.tests}`)

const missing = rows.filter(({ complete }) => !complete)
const counted = rows.reduce((sum, { held }) => sum + held, 0)
process.stdout.write(`\n${ATTACKS.length} attacks, ${counted} tests held, ${missing.length} not shown\n`)
process.exitCode = code === 0 && missing.length === 0 ? 0 : 1
