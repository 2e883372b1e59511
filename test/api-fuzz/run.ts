/**
 * `npm run test:api-fuzz`: starts a deployment of its own and lets schemathesis read its document and try everything that
 * it says and does not say, with links from answer to request, as an owner, an agent and a platform operator. Exits 1 when a
 * check failed, when the server counted an answer of 5xx, or when so little got through that nothing would have been seen.
 *
 * `--max-examples N` is per route and phase; `--requests M` (20,000) repeats with other seeds until that many were answered;
 * `--phases examples,coverage,fuzzing,stateful` adds schemathesis' own list of cases, some 17,000 for each principal.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { findSchemathesis } from './schemathesis.ts'
import type { Caller } from '../support/client.ts'
import { openGlobal } from '../support/opening.ts'
import { startOwnDeployment } from '../support/own-deployment.ts'
import { makeTenant, pending, UNLIMITED } from '../support/tenant.ts'

const { values } = parseArgs({
  options: {
    'max-examples': { type: 'string', default: '10' },
    phases: { type: 'string', default: 'examples,fuzzing,stateful' },
    requests: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 2_147_483_647) },
  },
})
const [examples, wanted, seed] = [Number(values['max-examples']), Number(values.requests), Number(values.seed)]
if (![examples, wanted, seed].every((each) => Number.isInteger(each) && each > 0)) {
  process.stderr.write('usage: npm run test:api-fuzz -- [--max-examples N] [--requests M] [--phases LIST] [--seed S]\n')
  process.exit(2)
}
/** Of all answers to each principal; most requests are wrong on purpose. */
const LEAST_GOOD = 20

const say = (line: string) => void process.stdout.write(`${line}\n`)
const PYTHONPATH = await findSchemathesis(say)
const COMMAND = 'import sys; from schemathesis.cli import schemathesis; sys.argv[0] = "st"; schemathesis()'
const own = await startOwnDeployment('api-fuzz', { EXO_ADDRESS_LIMIT: '100000000' })
const { url } = own.deployment

/** Answers by status since the process began, as it counts them itself. */
async function answered(): Promise<Map<number, number>> {
  const { body } = await own.all.nobody.get<string>('/metrics')
  const counts = new Map<number, number>()
  for (const [, status, count] of body.matchAll(/^exo_http_requests_total\{.*status="(\d+)".*\} (\d+)$/gm))
    counts.set(Number(status), (counts.get(Number(status)) ?? 0) + Number(count))
  return counts
}

async function tryAs(caller: Caller, tenantId: string | null, round: number): Promise<boolean> {
  const place = {
    'X-Tenant-Id': tenantId ?? '',
    'X-Project-Id': 'p_main',
    'X-Surface-Id': 's_main',
    'X-App-Id': 'a_main',
  }
  const headers = {
    Authorization: `Bearer ${caller.token}`,
    'X-Mode': 'lab',
    ...(tenantId === null ? {} : place),
  }
  const args = [
    ['--config-file', join(import.meta.dirname, 'schemathesis.toml'), 'run', `${url}/openapi.json`],
    Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]),
    ['--checks', 'all', '--phases', values.phases, '--max-examples', String(examples), '--seed', String(seed + round)],
    // One worker: with more, the parser of Python 3.11 now and then counts its recursion wrong, and the tool fails.
    ['--continue-on-failure', '--suppress-health-check', 'all', '--request-timeout', '30', '--workers', '1'],
  ].flat()
  const child = spawn('python3', ['-c', COMMAND, ...args], {
    stdio: 'inherit',
    cwd: own.deployment.home,
    env: { ...process.env, PYTHONPATH, HYPOTHESIS_STORAGE_DIRECTORY: join(own.deployment.home, 'hypothesis') },
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code === 0
}

const sum = (counts: Map<number, number>, from: number, below: number) =>
  [...counts].filter(([status]) => status >= from && status < below).reduce((all, [, count]) => all + count, 0)

const faults: string[] = []
const before = await answered()
let total = 0
try {
  for (let round = 0; total < wanted; round++) {
    // The round before may have found the stop.
    await openGlobal(own.all)
    const tenant = await makeTenant(own.all, url, 'fuzzed')
    await tenant.open(UNLIMITED)
    for (let i = 0; i < 3; i++) await pending(tenant.as('operator'), { notebook: 'fuzzed', text: `waits ${i}` })
    const principals: [string, Caller, string | null][] = [
      ['the agent', tenant.as('agent'), tenant.id],
      ['the owner', tenant.as('owner'), tenant.id],
      ['a platform operator', own.all.platform, null],
    ]
    for (const [who, caller, tenantId] of principals) {
      const first = await answered()
      say(`\nas ${who}, seed ${seed + round}`)
      if (!(await tryAs(caller, tenantId, round))) faults.push(`a check failed as ${who}, seed ${seed + round}`)
      const then = await answered()
      const good = sum(then, 200, 300) - sum(first, 200, 300)
      say(`as ${who}: ${sum(then, 0, 600) - sum(first, 0, 600)} answers, ${good} of them good`)
      if ((await caller.get('/auth/me')).status !== 200) faults.push(`the credential of ${who} did not last`)
      if (good < LEAST_GOOD) faults.push(`only ${good} answers to ${who} were good`)
    }
    total = sum(await answered(), 0, 600) - sum(before, 0, 600)
  }
  const after = await answered()
  const statuses = [...after].sort(([a], [b]) => a - b).map(([status, count]) => `${status}: ${count}`)
  say(`\n${total} answers (${statuses.join(', ')})`)
  const broken = sum(after, 500, 600) - sum(before, 500, 600)
  if (broken > 0) faults.push(`${broken} answers of 5xx`)
} finally {
  await own.stop()
}
for (const fault of faults) say(`NOT HELD: ${fault}`)
process.exitCode = faults.length === 0 ? 0 : 1
