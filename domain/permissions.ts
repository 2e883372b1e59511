/** Roles and what they carry, as one table; a membership's own permissions add to its role's, a key's narrow. */
const CONFIGURABLE = [
  'firearms',
  'strategy_lock',
  'budget',
  'kpi',
  'temperature',
  'rate_limit',
  'flags',
  'privacy',
  'egress',
] as const

const EXECUTE = ['execute:observe', 'execute:reversible', 'execute:contained', 'execute:irreversible'] as const
const OPERATOR = ['read', ...EXECUTE, 'decide', 'stop', 'resume', 'audit:read'] as const
const ADMIN = [...OPERATOR, ...CONFIGURABLE.map((control) => `configure:${control}` as const)] as const

export const PERMISSIONS = [...ADMIN, 'measure', 'review', 'budget:record', 'identity:write'] as const
export type Permission = (typeof PERMISSIONS)[number]

/** Any one of these drafts a strategy lock or asks a three-wise question. */
export const DRAFTING: readonly Permission[] = [...EXECUTE, 'configure:strategy_lock']

export const ROLES = ['owner', 'admin', 'operator', 'member', 'viewer', 'auditor'] as const
export type Role = (typeof ROLES)[number]

export const ROLE_PERMISSIONS: Readonly<Record<Role, readonly Permission[]>> = Object.freeze({
  viewer: ['read'],
  auditor: ['read', 'audit:read'],
  member: ['read', 'execute:observe', 'execute:reversible'],
  operator: OPERATOR,
  admin: ADMIN,
  owner: [...ADMIN, 'identity:write'],
})

/** Written in memberships and keys for all permissions that begin alike. */
export const WILDCARDS = ['execute:*', 'configure:*', 'identity:*'] as const

/** What a written permission stands for: itself, all of a wildcard, or nothing. */
export function expandPermission(written: string): readonly Permission[] {
  if (!written.endsWith(':*')) return PERMISSIONS.filter((permission) => permission === written)
  const prefix = written.slice(0, -1)
  return PERMISSIONS.filter((permission) => permission.startsWith(prefix))
}

/** What a credential may do: its role's and membership's permissions, narrowed by the key; only users may `decide`. */
export function effectivePermissions(
  kind: 'agent' | 'service' | 'user',
  role: Role,
  membership: readonly string[],
  key: readonly string[] | null,
): Permission[] {
  const given = new Set<Permission>([...ROLE_PERMISSIONS[role], ...membership.flatMap(expandPermission)])
  if (kind !== 'user') given.delete('decide')
  return narrowedBy([...given], key).sort()
}

/** Those of the permissions that a credential names, or all of them when it names none. */
export function narrowedBy(given: readonly Permission[], named: readonly string[] | null): Permission[] {
  if (named === null) return [...given]
  const kept = new Set(named.flatMap(expandPermission))
  return given.filter((permission) => kept.has(permission))
}

/** What may be handed on: a call that somebody makes for somebody else looks and proposes, and does nothing more. */
export const DELEGABLE: readonly Permission[] = ['read', ...EXECUTE, 'audit:read']

/** What a delegated call may do: of what may be handed on, that which everybody who asks or is asked for has. */
export function sharedPermissions(ofEach: readonly (readonly Permission[])[]): Permission[] {
  if (ofEach.length === 0) return []
  return DELEGABLE.filter((permission) => ofEach.every((given) => given.includes(permission))).sort()
}

/** A platform operator's permissions in `t_system`. */
export const PLATFORM_PERMISSIONS: readonly Permission[] = [
  'read',
  'decide',
  'stop',
  'resume',
  'audit:read',
  'identity:write',
]
