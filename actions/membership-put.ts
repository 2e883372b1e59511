/**
 * Makes a principal a member of the tenant, or gives a member another role. Governs: another person votes. Undone by
 * another role, or by revoking the membership, which is a record.
 */
import { z } from 'zod'
import type { PrincipalView } from './api-key-create.ts'
import { defineAction } from './define.ts'
import { quorumTree } from '../domain/approval.ts'
import { ExoError } from '../domain/errors.ts'
import { effectivePermissions, PERMISSIONS, ROLES, WILDCARDS } from '../domain/permissions.ts'

const input = z.strictObject({
  principal_id: z.string().regex(/^p_[a-z0-9_-]{1,60}$/),
  role: z.enum(ROLES),
  permissions: z
    .array(z.enum([...PERMISSIONS, ...WILDCARDS]))
    .max(50)
    .optional(),
})

const MEANWHILE = {
  gone: 'The principal was revoked meanwhile.',
  last_owner: 'The tenant has no other owner any more.',
} as const

export const membershipPut = defineAction<z.infer<typeof input>>({
  name: 'membership.put',
  version: 1,
  class: 'contained',
  title: 'Make somebody a member, or change a role',
  governs: true,
  standing: false,
  input,
  example: { principal_id: 'p_reporter', role: 'viewer' },

  view: ({ principal_id }) => ({ kind: 'principal', id: principal_id }),

  plan: ({ role }, context) => {
    if (context.tenant_id === 't_system')
      throw new ExoError('auth.insufficient_role', undefined, { required: ['a membership of the tenant'] })
    const principal = context.view as unknown as PrincipalView | null
    if (!context.permissions.includes('identity:write'))
      throw new ExoError('auth.insufficient_role', undefined, { required: ['identity:write'] })
    if (principal === null) throw new ExoError('resource.not_found')
    if (principal.status !== 'active' || (principal.kind !== 'user' && role !== 'member' && role !== 'viewer'))
      throw new ExoError('validation.error', undefined, {
        errors: [
          principal.status === 'active'
            ? { path: '/input/role', message: 'an agent or a service is a member or a viewer' }
            : { path: '/input/principal_id', message: 'was revoked' },
        ],
      })
    if (principal.last_owner && role !== 'owner')
      throw new ExoError('resource.required', undefined, { principal_id: principal.id })
    return { preconditions: {}, tree: quorumTree(1) }
  },

  preview: ({ principal_id, role, permissions }, view) => {
    const principal = view as unknown as PrincipalView | null
    const before = principal?.membership === 'active' ? [principal.role, ...(principal.permissions ?? [])] : []
    return {
      title: `Make ${principal_id} ${role} of the tenant`,
      fields: [
        {
          label: 'who',
          value:
            principal === null ? 'nobody of this tenant' : `${principal.kind} ${principal.name}, ${principal.status}`,
        },
        { label: 'before', value: before.join(', ') },
        { label: 'after', value: [role, ...(permissions ?? [])].join(', ') },
        {
          label: 'may then do',
          value:
            principal === null ? '' : effectivePermissions(principal.kind, role, permissions ?? [], null).join(', '),
        },
      ],
    }
  },

  effect: {
    kind: 'transactional',
    async perform({ controls }, _context, { principal_id, role, permissions }) {
      const put = await controls.putMembership({ principal_id, role, permissions: permissions ?? [] })
      if (put !== 'put') throw new ExoError('effect.precondition_failed', MEANWHILE[put])
      return { principal_id, role, permissions: permissions ?? [], status: 'active' }
    },
  },
})
