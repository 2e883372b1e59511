/**
 * Creates a tenant with its first project, surface, app and members. Governs, and is the platform's: the other platform
 * operator votes. It begins stopped and without policies. Has no undo.
 */
import { z } from 'zod'
import { defineAction } from './define.ts'
import { instant } from './policy-document.ts'
import { oidcSubject } from './principal-create.ts'
import { quorumTree } from '../domain/approval.ts'
import { ExoError } from '../domain/errors.ts'
import { PERMISSIONS, ROLES, WILDCARDS } from '../domain/permissions.ts'
import type { NewMember } from '../domain/ports.ts'

const name = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,40}$/)

const member = z
  .strictObject({
    name: name.optional(),
    principal_id: z
      .string()
      .regex(/^p_[a-z0-9_-]{1,60}$/)
      .optional(),
    kind: z.enum(['agent', 'service', 'user']),
    role: z.enum(ROLES),
    owner: name.optional(),
    permissions: z
      .array(z.enum([...PERMISSIONS, ...WILDCARDS]))
      .max(50)
      .optional(),
    oidc: oidcSubject.optional(),
    expires_at: instant.optional(),
  })
  .refine((row) => (row.name === undefined) !== (row.principal_id === undefined), 'either name or principal_id is due')
  .refine((row) => row.oidc === undefined || row.name !== undefined, 'only a new member is given a subject')

const input = z.strictObject({
  id: z.string().regex(/^t_[a-z0-9_-]{1,60}$/),
  name: z.string().min(1).max(200),
  members: z.array(member).min(1).max(100),
})
type Input = z.infer<typeof input>

const RESERVED = ['t_system', 't_unknown']
const KEY_LIFETIME = '2099-01-01T00:00:00Z'

export const tenantCreate = defineAction<Input>({
  name: 'tenant.create',
  version: 1,
  class: 'contained',
  title: 'Create a tenant',
  governs: true,
  standing: false,
  input,
  example: { id: 't_acme', name: 'Acme', members: [{ name: 'owner', kind: 'user', role: 'owner' }] },

  view: ({ id }) => ({ kind: 'tenant', id }),

  plan: ({ id, members }, context) => {
    if (context.tenant_id !== 't_system')
      throw new ExoError('auth.insufficient_role', undefined, { required: ['platform_operator'] })
    const errors: { path: string; message: string }[] = []
    if (RESERVED.includes(id)) errors.push({ path: '/id', message: 'is reserved' })
    const names = members.flatMap((row) => (row.name === undefined ? [] : [row.name]))
    if (new Set(names).size !== names.length) errors.push({ path: '/members', message: 'names must differ' })
    for (const [index, row] of members.entries())
      if (row.owner !== undefined && !members.some((each) => each.name === row.owner && each.kind === 'user'))
        errors.push({ path: `/members/${index}/owner`, message: 'names no user among the members' })
    for (const [index, { oidc }] of members.entries())
      if (oidc !== undefined && !context.issuers.includes(oidc.issuer))
        errors.push({ path: `/members/${index}/oidc/issuer`, message: 'is no issuer of this deployment' })
    for (const [index, { kind, role }] of members.entries())
      if (kind !== 'user' && role !== 'member' && role !== 'viewer')
        errors.push({ path: `/members/${index}/role`, message: 'an agent or a service is a member or a viewer' })
    if (errors.length > 0) throw new ExoError('validation.error', undefined, { errors })
    if (context.view !== null) throw new ExoError('resource.conflict', undefined, { id })
    const keys = context.mode === 'lab' ? names.map((each) => ({ name: each, ...context.deriveKey(each) })) : []
    return { preconditions: { absent: id, keys }, tree: quorumTree(1, 'platform') }
  },

  preview: ({ id, name: title, members }) => ({
    title: `Create tenant ${id}`,
    fields: [
      { label: 'name', value: title },
      ...members.map((row) => ({
        label: `member ${row.name ?? row.principal_id ?? ''}`,
        value: [
          row.kind,
          row.role,
          ...(row.permissions ?? []),
          row.owner === undefined ? '' : `owned by ${row.owner}`,
          row.oidc === undefined ? '' : `${row.oidc.sub} at ${row.oidc.issuer}`,
        ]
          .filter((word) => word !== '')
          .join(', '),
      })),
    ],
  }),

  effect: {
    kind: 'transactional',
    async perform({ controls }, { effect_key, preconditions }, { id, name: title, members }) {
      const keys = (preconditions as { keys: { name: string; id: string; secret_sha256: string }[] }).keys
      const ids = (prefix: string, who: string) => `${prefix}_${id.slice(2, 24)}_${who}_${effect_key.slice(0, 8)}`
      const rows = members.map((row): NewMember => {
        const key = keys.find((each) => each.name === row.name)
        const owner = row.kind === 'user' ? row.name : row.owner
        return {
          name: row.name ?? row.principal_id ?? '',
          principal_id: row.principal_id ?? ids('p', row.name ?? ''),
          person_id: owner === undefined ? null : ids('u', owner),
          existing: row.principal_id !== undefined,
          kind: row.kind,
          role: row.role,
          permissions: row.permissions ?? [],
          key:
            key === undefined
              ? null
              : { id: key.id, secret_sha256: key.secret_sha256, expires_at: row.expires_at ?? KEY_LIFETIME },
          subject: row.oidc === undefined ? null : { issuer: row.oidc.issuer, subject: row.oidc.sub },
        }
      })
      if (!(await controls.createTenant({ id, name: title }, rows)))
        throw new ExoError('effect.precondition_failed', 'The tenant id or a member’s subject is taken.', { id })
      return {
        tenant: { id, name: title, status: 'active' },
        members: rows.map(({ name: who, principal_id, person_id, kind, role, permissions, key }) => ({
          name: who,
          principal_id,
          person_id,
          kind,
          role,
          permissions,
          key_id: key?.id ?? null,
        })),
      }
    },
  },
})
