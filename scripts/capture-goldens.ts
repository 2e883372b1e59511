/**
 * Captures the golden histories: one sealed bundle of each outcome class from a real run on the real stack, with the
 * trust root and the workflow bundle of the digest they name. Goldens are added, never edited: a set that is there already
 * is refused. A set is of one deployment: the spine, `outside`, or `last-vote`.
 */
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startDeployment, type Deployment } from '../bin/deployment.ts'
import { KEPT_CODE } from '../bin/verifier.ts'
import { buildWorkflowBundle } from '../bin/workflow-bundle.ts'
import { lastVoteStories } from './golden-last-vote.ts'
import { outsideStories } from './golden-outside.ts'
import { callers } from '../test/support/client.ts'
import { openGlobal, RUNNING, notRequired } from '../test/support/opening.ts'
import { makeTenant, pending, propose, standingFor, type Tenant, vote } from '../test/support/tenant.ts'

const [set = 'spine'] = process.argv.slice(2)
const REPLAY = join(import.meta.dirname, '..', 'test', 'replay')
const DIR = set === 'spine' ? join(REPLAY, 'histories') : join(REPLAY, set, 'histories')
const TRUST = set === 'spine' ? join(REPLAY, 'trust.json') : join(REPLAY, set, 'trust.json')
const say = (line: string) => process.stdout.write(`${line}\n`)

interface Stage {
  tenant: Tenant
  all: ReturnType<typeof callers>
  deployment: Deployment
  /** The database owner, for what no route can arrange: an unwell log, a lock with a question. */
  owner: pg.Client
}

const note = (text: string) => ({ notebook: 'golden', text })

/** Each story answers the id of the operation whose bundle is kept. Order matters: later ones loosen or tighten more. */
const STORIES: Record<string, (stage: Stage) => Promise<string>> = {
  'note-append.blocked-by-kill-switch': async ({ tenant }) => await blocked(tenant, 'too early'),
  'note-append.executed-by-votes': async ({ tenant }) => {
    await tenant.open()
    const operation = await pending(tenant.as('member'), note('by a vote'))
    await vote(tenant.as('operator'), operation)
    return operation.id
  },
  'note-append.executed-by-two-people': async ({ tenant }) => {
    const operation = await pending(tenant.as('member'), note('by two'), { approval: { quorum: 2 } })
    await vote(tenant.as('operator'), operation)
    await vote(tenant.as('operator2'), operation)
    return operation.id
  },
  'note-append.proposed': async ({ tenant }) =>
    (await propose(tenant.as('member'), note('asked'), { run: 'propose' })).body.id,
  'note-append.denied': async ({ tenant }) => {
    const operation = await pending(tenant.as('member'), note('no'))
    await vote(tenant.as('operator'), operation, 'deny')
    return operation.id
  },
  'note-append.expired': async ({ tenant }) =>
    (await pending(tenant.as('member'), note('late'), { approval: { expires_in: 1 } })).id,
  'note-append.cancelled': async ({ tenant }) => {
    const operation = await pending(tenant.as('member'), note('never mind'))
    await tenant.as('member').post(`/operations/${operation.id}/cancel`, { reason: 'never mind' })
    return operation.id
  },
  'note-remove.failed': async ({ tenant }) => {
    const { body } = await tenant
      .as('member')
      .post('/operations', { action: 'note.remove', input: { note_id: 'n_absent' }, reason: 'there is none' })
    await vote(tenant.as('operator'), body)
    return body.id
  },
  'policy-put.executed': async ({ tenant }) => (await lastOperation(tenant, 'policy.put')) ?? '',
  'note-append.blocked-by-firearms': async ({ tenant }) => {
    await tenant.policy({
      license_types: [{ id: 'lt_gun', name: 'Gun' }],
      firearms: [{ action: 'note.append', license_types: ['lt_gun'] }],
    })
    const id = await blocked(tenant, 'unarmed')
    await tenant.policy({ license_types: [], firearms: [] })
    return id
  },
  'note-append.blocked-by-strategy-lock': async ({ tenant }) => {
    await tenant.policy({ strategy_locks: [{ action: 'note.append', surface_id: 's_main', required: true }] })
    return await blocked(tenant, 'unlocked')
  },
  'note-append.blocked-by-three-wise': async ({ tenant, owner }) => {
    await as(owner, tenant.id, [
      `insert into three_wise_questions (tenant_id, id, question, binding_hash, asked_by, expires_at)
       values ('${tenant.id}', 'tw_one', 'Is it wise?', repeat('0', 64), 'p_nobody', '2090-01-01')`,
      `insert into strategy_locks (tenant_id, id, status, title, allowed_actions, surface_id, valid_from, valid_until,
         three_wise_id, content_hash, created_by) values ('${tenant.id}', 'sl_one', 'approved', 'One', '{note.append}',
         's_main', '2020-01-01', '2090-01-01', 'tw_one', '', '')`,
    ])
    const id = await blocked(tenant, 'unwise')
    await tenant.policy({ strategy_locks: [] })
    return id
  },
  'note-append.blocked-by-budget': async ({ tenant }) => await blockedBy(tenant, 'budget'),
  'note-append.blocked-by-kpi': async ({ tenant }) => await blockedBy(tenant, 'kpi'),
  'note-append.blocked-by-temperature': async ({ tenant }) => await blockedBy(tenant, 'temperature'),
  'note-append.blocked-by-audit': async ({ tenant, owner }) => {
    await owner.query('update audit_sequencer set self_check_ok = false')
    const id = await blocked(tenant, 'unaudited')
    await owner.query('update audit_sequencer set self_check_ok = true')
    return id
  },
  'note-append.executed-by-standing-grant': async ({ tenant }) => {
    await tenant.policy(standingFor(tenant))
    return (await propose(tenant.as('agent'), note('granted'))).body.id
  },
  'note-append.blocked-in-guard': async ({ tenant, owner }) => {
    // The fence is held while a stop is made: the guard waits for it, and reads the switches after it.
    await owner.query('begin')
    await owner.query(`select pg_advisory_xact_lock(hashtextextended('exo fence ' || $1, 0))`, [tenant.id])
    const asked = propose(tenant.as('agent'), note('overtaken'))
    await waiting(owner)
    const stopping = tenant
      .as('operator')
      .put('/kill-switches', { scope: 'tenant', state: 'stopped', reason: 'overtakes the guard' })
    await stopped(owner, tenant.id)
    await owner.query('commit')
    await stopping
    return (await asked).body.error.details.operation_id
  },
}

const OTHERS: Record<string, () => typeof STORIES> = { outside: outsideStories, 'last-vote': lastVoteStories }

const home = await mkdtemp(join(tmpdir(), 'exo-goldens-'))
await chmod(home, 0o711)
const deployment = await startDeployment({ home, port: 0, headless: true, progress: say })
const owner = new pg.Client({ connectionString: deployment.stack.addresses.postgres.ownerUrl })
try {
  await owner.connect()
  const all = callers(deployment.url, deployment.credentials)
  await openGlobal(all)
  const tenant = await makeTenant(all, deployment.url, 'golden')
  const stage = { tenant, all, deployment, owner }
  const made = new Map<string, string>()
  for (const [story, play] of Object.entries(OTHERS[set]?.() ?? STORIES)) {
    made.set(story, await play(stage))
    say(`played ${story}: ${(await tenant.ended(made.get(story) ?? '')).status}`)
  }
  await mkdir(DIR, { recursive: true })
  await mkdir(KEPT_CODE, { recursive: true })
  for (const [story, id] of made) await keep(tenant, story, id)
  const { code, digest } = await buildWorkflowBundle()
  await writeFile(join(KEPT_CODE, `${digest}.js`), code)
  await writeFile(TRUST, `${JSON.stringify((await all.nobody.get('/trust')).body, null, 2)}\n`)
  say(`kept ${made.size} histories of bundle ${digest.slice(0, 12)}`)
} finally {
  await owner.end()
  await deployment.stop()
  await rm(home, { recursive: true, force: true })
}
process.exit()

async function keep(tenant: Tenant, story: string, id: string): Promise<void> {
  const path = join(DIR, `${story}.zip`)
  if (existsSync(path)) throw new Error(`${story} is there already; goldens are never overwritten`)
  await tenant.leavesUpTo(id, 'operation.sealed')
  const response = await fetch(`${deployment.url}/operations/${id}/bundle`, {
    headers: { authorization: `Bearer ${tenant.as('auditor').token}`, 'x-mode': 'lab', 'x-project-id': 'p_main' },
  })
  if (response.status !== 200) throw new Error(`bundle of ${story}: ${response.status}`)
  await writeFile(path, new Uint8Array(await response.arrayBuffer()))
}

async function blocked(tenant: Tenant, text: string): Promise<string> {
  const { status, body } = await propose(tenant.as('member'), note(text))
  if (status !== 403 && status !== 503)
    throw new Error(`expected a block: ${status} ${JSON.stringify(body).slice(0, 300)}`)
  return body.error.details.operation_id
}

async function blockedBy(tenant: Tenant, gate: 'budget' | 'kpi' | 'temperature'): Promise<string> {
  const others = notRequired('reversible').filter((row) => row.gate !== gate)
  await tenant.policy({ not_required: others, kill_switches: [RUNNING('tenant')] })
  const id = await blocked(tenant, `without ${gate}`)
  await tenant.policy({ not_required: notRequired('reversible') })
  return id
}

async function lastOperation(tenant: Tenant, action: string): Promise<string | undefined> {
  const { body } = await tenant.as('auditor').get(`/operations?action=${action}&limit=1`)
  return body.items[0]?.id
}

async function as(client: pg.Client, tenantId: string, statements: string[]): Promise<void> {
  await client.query('begin')
  await client.query(`select set_config('app.tenant', $1, true)`, [tenantId])
  for (const statement of statements) await client.query(statement)
  await client.query('commit')
}

/** Until some session waits for the fence. */
async function waiting(client: pg.Client): Promise<void> {
  await poll(async () => {
    const { rows } = await client.query(
      `select count(*)::int as n from pg_locks where locktype = 'advisory' and not granted`,
    )
    return rows[0].n > 0
  })
}

/** Until the tenant's stop is committed, seen by a connection of its own. */
async function stopped(client: pg.Client, tenantId: string): Promise<void> {
  await poll(async () => {
    await client.query(`select set_config('app.tenant', $1, true)`, [tenantId])
    const { rows } = await client.query(`select state from kill_switches where tenant_id = $1 and kind = 'all'`, [
      tenantId,
    ])
    return rows[0]?.state === 'stopped'
  })
}

async function poll(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error('waited in vain')
}
