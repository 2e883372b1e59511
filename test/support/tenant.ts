/**
 * A tenant of a test's own, made the way people make one: asked for by one platform operator, voted by the other, its
 * keys handed out once. Nothing that a file does to its tenant reaches another file.
 */
import { randomBytes } from 'node:crypto'
import { type Answer, approve, approveAll, Caller, type callers } from './client.ts'
import { notRequired, RUNNING, UNTIL } from './opening.ts'
import { until } from './until.ts'
import type { JsonObject } from '../../domain/canonical.ts'

const MEMBERS = [
  { name: 'owner', kind: 'user', role: 'owner' },
  { name: 'admin', kind: 'user', role: 'admin' },
  { name: 'operator', kind: 'user', role: 'operator' },
  { name: 'operator2', kind: 'user', role: 'operator' },
  { name: 'operator3', kind: 'user', role: 'operator' },
  { name: 'member', kind: 'user', role: 'member' },
  { name: 'viewer', kind: 'user', role: 'viewer' },
  { name: 'auditor', kind: 'user', role: 'auditor' },
  { name: 'agent', kind: 'agent', role: 'member', permissions: ['execute:*'], owner: 'operator3' },
  {
    name: 'service',
    kind: 'service',
    role: 'member',
    permissions: ['execute:*', 'measure', 'budget:record'],
    owner: 'owner',
  },
] as const
export type MemberName = (typeof MEMBERS)[number]['name']

const GOING = ['evaluating', 'pending_approval', 'executing']

export interface Tenant {
  id: string
  as(name: MemberName): Caller
  principal(name: MemberName): string
  /** Replaces sections of the control document: asked by the owner, voted by `operator` and, where it asks for two, `operator2`. */
  policy(sections: JsonObject): Promise<JsonObject>
  /** Sets the switches running and says that reversible actions need no metrics. */
  open(more?: JsonObject): Promise<void>
  operation(id: string): Promise<Operation>
  /** The operation once it has ended. */
  ended(id: string, withinMs?: number): Promise<Operation>
  /** The operation's leaves, in the log's order. */
  leaves(id: string): Promise<LeafSeen[]>
  /** The same, once a leaf of this kind has its place. */
  leavesUpTo(id: string, kind: string): Promise<LeafSeen[]>
}

export interface LeafSeen {
  kind: string
  code: string | null
  reason: string | null
  actor: { principal_id: string | null; kind: string }
  request_id: string | null
  trace_id: string | null
  before: JsonObject | null
  after: JsonObject | null
  pii: string
  train_ok: boolean
}

export interface Operation {
  id: string
  status: string
  intent_hash: string
  plan_hash: string
  shown_hash: string
  // biome-ignore lint/suspicious/noExplicitAny: answers are asserted on, field by field
  [field: string]: any
}

/** `guests` are operators who exist already, elsewhere. With an issuer, each member is its subject `<tenant>:<name>` as well. */
export async function makeTenant(
  all: ReturnType<typeof callers>,
  url: string,
  stem: string,
  { guests = [], issuer }: { guests?: readonly string[]; issuer?: string } = {},
): Promise<Tenant> {
  const id = `t_${stem}_${randomBytes(4).toString('hex')}`
  const linked = (name: string) => (issuer === undefined ? {} : { oidc: { issuer, sub: `${id}:${name}` } })
  const invited = guests.map((principal_id) => ({ principal_id, kind: 'user', role: 'operator' }))
  const wanted = [...MEMBERS.map((each) => ({ ...each, ...linked(each.name) })), ...invited]
  const body = { id, name: `A tenant for ${stem}`, members: wanted }
  const key = `make-${id}`
  const asked = await all.platform.post('/tenants', body, { key })
  if (asked.status !== 202) throw new Error(`making ${id}: ${asked.status} ${JSON.stringify(asked.body)}`)
  await approve(all.platform2, asked.body)
  const made = await all.platform.post('/tenants', body, { key })
  if (made.status !== 200) throw new Error(`made ${id}: ${made.status} ${JSON.stringify(made.body)}`)
  const members = new Map<string, { api_key: string; principal_id: string }>(
    made.body.members.map((member: { name: string }) => [member.name, member]),
  )
  const member = (name: MemberName) => {
    const found = members.get(name)
    if (found === undefined) throw new Error(`${id} has no member ${name}`)
    return found
  }
  const as = (name: MemberName) => new Caller(url, member(name).api_key)
  const policy = async (sections: JsonObject): Promise<JsonObject> => {
    const { body: current } = await as('owner').get('/policy')
    const put = await as('owner').put('/policy', {
      base_version: current.version,
      reason: 'for a test',
      policy: sections,
    })
    if (put.status !== 202) throw new Error(`policy of ${id}: ${put.status} ${JSON.stringify(put.body)}`)
    const voted = await approveAll([as('operator'), as('operator2')], put.body)
    if (voted.body.operation?.status !== 'executed')
      throw new Error(`policy of ${id}: ${voted.status} ${JSON.stringify(voted.body).slice(0, 600)}`)
    return voted.body.operation.effect.result as JsonObject
  }
  return {
    id,
    as,
    principal: (name) => member(name).principal_id,
    policy,
    open: async (more = {}) => {
      await policy({ kill_switches: [RUNNING('tenant')], not_required: notRequired('reversible'), ...more })
    },
    ...readings(as('auditor')),
  }
}

/** What tests look up again and again, as somebody who may read everything. */
function readings(reader: Caller): Pick<Tenant, 'operation' | 'ended' | 'leaves' | 'leavesUpTo'> {
  const operation = async (operationId: string) => (await reader.get<Operation>(`/operations/${operationId}`)).body
  const leaves = async (operationId: string): Promise<LeafSeen[]> =>
    (await reader.get(`/audit?operation_id=${operationId}&limit=200`)).body.items.map(
      (item: { leaf: LeafSeen }) => item.leaf,
    )
  let last: unknown = null
  return {
    operation,
    leaves,
    ended: (operationId, withinMs = 15_000) =>
      until(
        `operation ${operationId} ends`,
        async () => {
          const row = await operation(operationId)
          last = row.status
          return GOING.includes(row.status) ? null : row
        },
        { withinMs, seen: () => last },
      ),
    leavesUpTo: (operationId, kind) =>
      until(
        `operation ${operationId} has a leaf ${kind}`,
        async () => {
          const found = await leaves(operationId)
          last = found.map((leaf) => leaf.kind)
          return found.some((leaf) => leaf.kind === kind) ? found : null
        },
        { seen: () => last },
      ),
  }
}

/** Sections that give the tenant's agent a standing grant over these actions. */
export function standingFor(
  tenant: Tenant,
  max_count = 1_000_000,
  max_amount = '1000000',
  actions = ['note.append', 'note.remove'],
): JsonObject {
  return {
    license_types: [{ id: 'lt_notes', name: 'Notes' }],
    grants: [
      {
        principal_id: tenant.principal('agent'),
        license_type: 'lt_notes',
        actions,
        expires_at: UNTIL,
        standing: { max_count, max_amount },
      },
    ],
  }
}

/** Limits that no test reaches by accident. */
export const UNLIMITED: JsonObject = {
  rate_limits: ['mutation', 'read', 'decision'].map((each) => ({ class: each, limit: 10_000_000, window_seconds: 60 })),
}

/** The request for a note. */
export const noteOf = (notebook: string, text: string) => ({ action: 'note.append', input: { notebook, text } })

export async function propose(
  caller: Caller,
  input: JsonObject,
  more: JsonObject = {},
  key?: string,
): Promise<Answer<Operation>> {
  return await caller.post<Operation>(
    '/operations',
    { action: 'note.append', input, ...more },
    key === undefined ? {} : { key },
  )
}

/** Proposes and expects people to be asked. */
export async function pending(caller: Caller, input: JsonObject, more: JsonObject = {}): Promise<Operation> {
  const { status, body } = await propose(caller, input, more)
  if (status !== 202 || body.status !== 'pending_approval')
    throw new Error(`expected to wait for people: ${status} ${JSON.stringify(body).slice(0, 600)}`)
  return body
}

export async function vote(
  voter: Caller,
  operation: Operation,
  decision: 'approve' | 'deny' = 'approve',
  more: JsonObject = {},
  // biome-ignore lint/suspicious/noExplicitAny: answers are asserted on, field by field
): Promise<Answer<any>> {
  return await voter.post(`/operations/${operation.id}/decisions`, {
    decision,
    intent_hash: operation.intent_hash,
    reason: 'looked at it',
    ...more,
  })
}

/** The texts of a notebook, newest first. */
export async function notesIn(caller: Caller, notebook: string): Promise<string[]> {
  const { body } = await caller.get(`/notes?notebook=${notebook}&limit=200`)
  return body.items.map((note: { text: string }) => note.text)
}

/** Status and code of an answer, for tests that expect a refusal. */
// biome-ignore lint/suspicious/noExplicitAny: answers are asserted on, field by field
export function refused(answer: Answer<any>): [number, string | undefined] {
  return [answer.status, answer.body.error?.code]
}

/** The ids of all operations of the tenant that have ended, newest first. */
export async function endedOf(tenant: Tenant): Promise<string[]> {
  const ids: string[] = []
  for (let next: string | null = ''; next !== null; ) {
    const cursor: string = next === '' ? '' : `&cursor=${next}`
    const { items, next_cursor }: { items: Operation[]; next_cursor: string | null } = (
      await tenant.as('viewer').get(`/operations?limit=200${cursor}`)
    ).body
    ids.push(...items.filter((row) => !GOING.includes(row.status)).map((row) => row.id))
    next = next_cursor
  }
  return ids
}
