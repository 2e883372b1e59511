/**
 * What a row of the control document must be beside its schema: what names it, who may write it, and whether what it names
 * exists. One table for the whole document and for single controls. The places it names are actions/policy-places.ts.
 */
import type { PlanContext } from './define.ts'
import { waiverFaults } from './policy-waivers.ts'
import { isOwnAddress } from '../domain/addresses.ts'
import { canonicalJson, type JsonObject } from '../domain/canonical.ts'
import { ExoError, type ErrorCode } from '../domain/errors.ts'
import type { ControlSection, GrantRow, SwitchRow, WaiverRow } from '../domain/policy.ts'
import { parseUrl } from '../domain/url.ts'

/** Somebody whom a grant names, as a member of the tenant. */
export interface Grantee {
  kind: string
  name: string
  person_id: string | null
  status: string
  membership: string | null
}

/** Whom rows name, by principal id; who is no member is absent. */
export type Grantees = Readonly<Record<string, Grantee>>

export type RowContext = Pick<PlanContext, 'principal_id' | 'person_id' | 'mode' | 'now' | 'describeAction'> & {
  grantees: Grantees
}

export interface Fault {
  path: string
  message: string
  /** Where it is more than a wrong field. */
  code?: ErrorCode
}

interface RowRules {
  /** The members that name a row of its section. */
  key: readonly string[]
  /** The members that people know it by, where those are others. */
  shown?: readonly string[]
  /** Who may write it. */
  permission(row: JsonObject): string
  faults?(row: JsonObject, context: RowContext): Fault[]
}

export type RuledSection = ControlSection | 'kill_switches' | 'not_required'

/** Rows came through their schemas, so that they are of the section's type. */
const over =
  <Row>(check: (row: Row, context: RowContext) => Fault[]) =>
  (row: JsonObject, context: RowContext): Fault[] =>
    check(row as Row, context)

const configure = (control: string) => () => `configure:${control}`
const known = (path: string, action: string | null | undefined, { describeAction }: RowContext): Fault[] =>
  action == null || describeAction(action) !== null ? [] : [{ path, message: `${action} is not an action` }]
const namesAction = over<{ action?: string }>(({ action }, context) => known('/action', action, context))

export const ROW_RULES: Readonly<Record<RuledSection, RowRules>> = Object.freeze({
  kill_switches: {
    key: ['scope', 'selector'],
    permission: () => 'resume',
    faults: over<SwitchRow>(({ selector }, context) =>
      selector.kind === 'action' ? known('/selector', selector.value, context) : [],
    ),
  },
  license_types: { key: ['id'], permission: configure('firearms') },
  firearms: { key: ['action'], permission: configure('firearms'), faults: namesAction },
  grants: {
    key: ['id'],
    shown: ['principal_id', 'license_type', 'actions'],
    permission: configure('firearms'),
    faults: over(grantFaults),
  },
  strategy_locks: { key: ['action', 'surface_id'], permission: configure('strategy_lock'), faults: namesAction },
  budget: {
    key: ['scope'],
    permission: configure('budget'),
    faults: over<{ scope: { action?: string } }>(({ scope }, context) => known('/scope/action', scope.action, context)),
  },
  'kpi.definitions': { key: ['surface_id', 'kpi'], permission: configure('kpi') },
  'kpi.corridors': { key: ['surface_id', 'kpi'], permission: configure('kpi') },
  temperature: { key: ['surface_id'], permission: configure('temperature') },
  rate_limits: { key: ['class'], permission: configure('rate_limit') },
  not_required: {
    key: ['gate', 'action', 'class'],
    permission: (row) => `configure:${row['gate']}`,
    faults: over<WaiverRow>((row, context) => [
      ...known('/action', row.action, context),
      ...waiverFaults(row, context),
    ]),
  },
  egress: {
    key: ['origin'],
    permission: configure('egress'),
    faults: over<{ origin: string }>(({ origin }, { mode }) => originFaults(origin, mode)),
  },
  feature_flags: { key: [], permission: configure('flags') },
})

/** The members that name a row, and their values. */
export function keyOf(section: RuledSection, row: JsonObject): JsonObject {
  return Object.fromEntries(ROW_RULES[section].key.map((member) => [member, row[member] ?? null]))
}

/** The rows of a document by section; those of `kpi` are two, and flags are one row. */
export function rowsOf(policy: JsonObject): [RuledSection, readonly JsonObject[]][] {
  return Object.entries(policy).flatMap(([section, value]): [RuledSection, readonly JsonObject[]][] => {
    if (value === undefined || value === null) return []
    if (section === 'feature_flags') return [[section, [value as JsonObject]]]
    if (section !== 'kpi') return [[section as RuledSection, value as JsonObject[]]]
    const { definitions, corridors } = value as Record<string, JsonObject[]>
    return [
      ['kpi.definitions', definitions ?? []],
      ['kpi.corridors', corridors ?? []],
    ]
  })
}

/** Where rows of a section stand in the document. */
export const pathOf = (section: RuledSection): string => `/policy/${section.replace('.', '/')}`

/** Sections in which two rows speak of the same thing. A grant without an id is a new one. */
export function repeatedRows(policy: JsonObject): Fault[] {
  return rowsOf(policy)
    .filter(([section, rows]) => {
      const named = rows.filter((row) => section !== 'grants' || typeof row['id'] === 'string')
      return new Set(named.map((row) => canonicalJson(keyOf(section, row)))).size !== named.length
    })
    .map(([section]) => ({ path: pathOf(section), message: 'two rows speak of the same thing' }))
}

/** Throws what is wrong, the gravest first. */
export function refuseFaults(faults: readonly Fault[]): void {
  const grave = faults.find(({ code }) => code !== undefined)
  if (grave?.code !== undefined) throw new ExoError(grave.code, undefined, { path: grave.path })
  if (faults.length > 0)
    throw new ExoError('validation.error', undefined, {
      errors: faults.slice(0, 50).map(({ path, message }) => ({ path, message })),
    })
}

/**
 * Nobody grants themselves a licence: neither to the principal they ask with, nor to another of their person, nor to an agent
 * that their person owns.
 */
function grantFaults(grant: GrantRow, context: RowContext): Fault[] {
  const grantee = context.grantees[grant.principal_id]
  const path = '/principal_id'
  if (grant.principal_id === context.principal_id || (isOfPerson(grantee) && grantee.person_id === context.person_id))
    return [{ path, message: 'a licence to oneself', code: 'firearms.self_grant' }]
  const member = grantee?.status === 'active' && grantee.membership === 'active'
  return [
    ...(member ? [] : [{ path, message: `${grant.principal_id} is no active member of the tenant` }]),
    ...grant.actions.flatMap((action): Fault[] => {
      const found = context.describeAction(action)
      if (found === null) return known('/actions', action, context)
      return grant.standing !== null && (found.governs || !found.standing)
        ? [{ path: '/actions', message: `no standing grant may name ${action}` }]
        : []
    }),
  ]
}

function isOfPerson(grantee: Grantee | undefined): grantee is Grantee & { person_id: string } {
  return grantee !== undefined && grantee.person_id !== null
}

/** Addresses of our own networks are for the lab alone. */
function originFaults(origin: string, mode: RowContext['mode']): Fault[] {
  const path = '/origin'
  if (mode === 'lab') return []
  if (!origin.startsWith('https://')) return [{ path, message: 'https is due outside lab mode' }]
  const isOwn = isOwnAddress(parseUrl(origin)?.hostname ?? '')
  return isOwn ? [{ path, message: 'names an address of a private network' }] : []
}

/** What a grant asks for beside the usual vote: as many people as the strongest action that it lets pass without any. */
export function grantQuorum(grant: GrantRow, describeAction: PlanContext['describeAction']): number {
  if (grant.standing === null) return 1
  return Math.max(1, ...grant.actions.map((action) => describeAction(action)?.quorum ?? 1))
}

/** The persons who would hold these grants: they ask for them no more than they vote on them. */
export function personsOf(grants: readonly GrantRow[], grantees: Grantees): string[] {
  return grants.flatMap(({ principal_id }) => {
    const grantee = grantees[principal_id]
    return isOfPerson(grantee) ? [grantee.person_id] : []
  })
}
