/**
 * Makes an API key for a principal, with at most what the principal may do and in this tenant only; it may replace an
 * older one. Governs: another person votes. Undone by revoking the key, which is a record.
 *
 * The secret reaches whoever asked. So a key for somebody else's principal never carries `decide`: else one could come
 * to vote as another. And a key for one's own carries nothing that the credential one asks with does not.
 */
import { z } from 'zod'
import { defineAction, type PlanContext } from './define.ts'
import { instant } from './policy-document.ts'
import { quorumTree } from '../domain/approval.ts'
import type { Json } from '../domain/canonical.ts'
import { ExoError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'
import {
  effectivePermissions,
  expandPermission,
  type Permission,
  PERMISSIONS,
  PLATFORM_PERMISSIONS,
  type Role,
  WILDCARDS,
} from '../domain/permissions.ts'

const apiKeyId = z.string().regex(/^[a-z0-9]{6,64}$/)
export const overlapSeconds = z.int().min(0).max(LIMITS.keyOverlapSeconds)

const input = z.strictObject({
  principal_id: z.string().regex(/^p_[a-z0-9_-]{1,60}$/),
  permissions: z
    .array(z.enum([...PERMISSIONS, ...WILDCARDS]))
    .min(1)
    .max(50)
    .optional(),
  tenants: z
    .array(z.string().regex(/^t_[a-z0-9_-]{1,60}$/))
    .length(1)
    .optional(),
  expires_at: instant,
  replaces: z.strictObject({ id: apiKeyId, overlap_seconds: overlapSeconds }).optional(),
})
type Input = z.infer<typeof input>

/** What `view_of` answers for a principal of the tenant. */
export interface PrincipalView {
  id: string
  kind: 'agent' | 'service' | 'user'
  name: string
  person_id: string | null
  status: string
  platform: boolean
  role: Role | null
  permissions: string[] | null
  membership: string | null
  /** Whether the tenant would have no owner without it. */
  last_owner: boolean
}

/** The resource, before its secret is laid beside it. */
interface Preconditions {
  key: { id: string; secret_sha256: string }
  permissions: string[] | null
}

export const apiKeyCreate = defineAction<Input>({
  name: 'api_key.create',
  version: 1,
  class: 'contained',
  title: 'Create an API key',
  governs: true,
  standing: false,
  input,
  example: { principal_id: 'p_reporter', permissions: ['read'], expires_at: '2030-01-31T00:00:00Z' },

  view: ({ principal_id }) => ({ kind: 'principal', id: principal_id }),

  plan: (asked, context) => {
    const principal = context.view as unknown as PrincipalView | null
    const own = isOwn(principal, context)
    if (!own && !context.permissions.includes('identity:write'))
      throw new ExoError('auth.insufficient_role', undefined, { required: ['identity:write'] })
    if (principal === null) throw new ExoError('resource.not_found')
    const whole = permissionsOf(principal)
    const may = whole.filter((permission) => (own ? isHeld(permission, principal, context) : permission !== 'decide'))
    refuseUnsound(asked, principal, may, context)
    return {
      preconditions: {
        key: context.deriveKey('key'),
        permissions: asked.permissions ?? (mayFollow(principal, own) && may.length === whole.length ? null : may),
      },
      tree: quorumTree(1, context.tenant_id === 't_system' ? 'platform' : undefined),
    }
  },

  preview: ({ principal_id, permissions, expires_at, replaces }, view) => ({
    title: `Create an API key for ${principal_id}`,
    fields: [
      { label: 'principal', value: principalShown(view) },
      { label: 'narrowed to', value: permissions?.join(', ') ?? 'what the principal may do' },
      { label: 'expires at', value: expires_at },
      {
        label: 'replaces',
        value: replaces === undefined ? '' : `${replaces.id}, which ends after ${replaces.overlap_seconds} seconds`,
      },
    ],
  }),

  effect: {
    kind: 'transactional',
    async perform({ controls }, { preconditions }, { principal_id, expires_at, replaces }) {
      const { key, permissions } = preconditions as unknown as Preconditions
      const made = await controls.createApiKey({
        ...key,
        principal_id,
        permissions,
        expires_at,
        replaces: replaces ?? null,
      })
      if (made === null)
        throw new ExoError('effect.precondition_failed', 'The principal, or the key to replace, is active no more.')
      return {
        id: key.id,
        principal_id,
        permissions,
        tenants: made.tenants,
        expires_at,
        replaces: replaces?.id ?? null,
      }
    },
  },
})

/** One's own principal, or an agent or service that one owns. */
function isOwn(principal: PrincipalView | null, { principal_id, person_id }: PlanContext): boolean {
  if (principal === null) return false
  return (
    principal.id === principal_id ||
    (principal.kind !== 'user' && person_id !== null && principal.person_id === person_id)
  )
}

/** Of one's own principal only what the credential at hand carries; of an agent one owns, whatever the agent may. */
function isHeld(permission: Permission, principal: PrincipalView, { principal_id, permissions }: PlanContext): boolean {
  return principal.id !== principal_id || permissions.includes(permission)
}

/** Whether the key may come to carry what the principal is given later: never one that another holds for a user. */
const mayFollow = ({ kind }: PrincipalView, own: boolean) => own || kind !== 'user'

function permissionsOf({
  status,
  platform,
  kind,
  role,
  permissions,
  membership,
}: PrincipalView): readonly Permission[] {
  if (status !== 'active') return []
  if (platform) return PLATFORM_PERMISSIONS
  return role === null || membership !== 'active' ? [] : effectivePermissions(kind, role, permissions ?? [], null)
}

function refuseUnsound(asked: Input, principal: PrincipalView, may: readonly Permission[], context: PlanContext): void {
  const errors: { path: string; message: string }[] = []
  if (permissionsOf(principal).length === 0)
    errors.push({ path: '/input/principal_id', message: 'is no active member of this tenant' })
  for (const [index, word] of (asked.permissions ?? []).entries())
    if (!expandPermission(word).every((permission) => may.includes(permission)))
      errors.push({ path: `/input/permissions/${index}`, message: 'is more than such a key can carry' })
  if (asked.tenants !== undefined && (asked.tenants[0] !== context.tenant_id || principal.platform))
    errors.push({ path: '/input/tenants', message: 'can only be the tenant in which the key is asked for' })
  if (Date.parse(asked.expires_at) <= Date.parse(context.now))
    errors.push({ path: '/input/expires_at', message: 'has passed' })
  if (errors.length > 0) throw new ExoError('validation.error', undefined, { errors })
}

function principalShown(view: Json): string {
  if (view === null) return 'nobody of this tenant'
  const principal = view as unknown as PrincipalView
  const may = permissionsOf(principal)
  const what = may.length === 0 ? 'nothing' : may.join(', ')
  return `${principal.kind} ${principal.name}, ${principal.role ?? 'no member'}, who may do ${what}`
}
