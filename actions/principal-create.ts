/**
 * Makes a principal of the tenant: an agent, a service or a user, who may be known by a subject of an issuer. Governs:
 * another person votes. It is a member of nothing yet; in `t_system` it is an operator of the platform, a new person, and
 * another operator votes. Undone by revoking it, which is a record.
 */
import { z } from 'zod'
import { defineAction } from './define.ts'
import { quorumTree } from '../domain/approval.ts'
import type { Json } from '../domain/canonical.ts'
import { ExoError } from '../domain/errors.ts'
import { LIMITS } from '../domain/limits.ts'

/** Who somebody is at an issuer; both are compared exactly. */
export const oidcSubject = z.strictObject({
  issuer: z.string().min(1).max(LIMITS.claimCharacters),
  sub: z.string().min(1).max(LIMITS.claimCharacters),
})

const input = z.strictObject({
  kind: z.enum(['agent', 'service', 'user']),
  name: z.string().min(1).max(200),
  person_id: z
    .string()
    .regex(/^u_[a-z0-9_-]{1,120}$/)
    .optional(),
  oidc: oidcSubject.optional(),
})

export const principalCreate = defineAction<z.infer<typeof input>>({
  name: 'principal.create',
  version: 1,
  class: 'contained',
  title: 'Create a principal',
  governs: true,
  standing: false,
  input,
  example: { kind: 'user', name: 'Ada', oidc: { issuer: 'https://issuer.example', sub: 'ada' } },

  view: ({ person_id }, tenantId) =>
    tenantId === 't_system' ? { kind: 'platform' } : { kind: 'person', id: person_id ?? '' },

  plan: ({ kind, person_id, oidc }, context) => {
    const platform = context.tenant_id === 't_system'
    const errors: { path: string; message: string }[] = []
    if (platform && kind !== 'user')
      errors.push({ path: '/input/kind', message: 'an operator of the platform is a user' })
    if (platform && person_id !== undefined)
      errors.push({ path: '/input/person_id', message: 'an operator of the platform is a new person' })
    if (!platform && person_id !== undefined && context.view === null)
      errors.push({ path: '/input/person_id', message: 'is no person of this tenant' })
    if (person_id === undefined && kind !== 'user' && context.mode !== 'lab')
      errors.push({ path: '/input/person_id', message: 'an agent or a service needs a person who owns it' })
    if (oidc !== undefined && !context.issuers.includes(oidc.issuer))
      errors.push({ path: '/input/oidc/issuer', message: 'is no issuer of this deployment' })
    if (errors.length > 0) throw new ExoError('validation.error', undefined, { errors })
    return { preconditions: {}, tree: quorumTree(1, platform ? 'platform' : undefined), required: ['identity:write'] }
  },

  preview: ({ kind, name, person_id, oidc }, view) => ({
    title: isPlatform(view) ? `Make ${name} an operator of the platform` : `Create the ${kind} ${name}`,
    fields: [
      { label: 'person', value: personShown(kind, person_id, view !== null) },
      { label: 'issuer', value: oidc?.issuer ?? '' },
      { label: 'subject', value: oidc?.sub ?? '' },
    ],
  }),

  effect: {
    kind: 'transactional',
    async perform({ controls }, { effect_key, tenant_id }, { kind, name, person_id, oidc }) {
      const id = `p_${effect_key.slice(0, 26)}`
      const person = person_id ?? (kind === 'user' ? `u_${effect_key.slice(0, 26)}` : null)
      const subject = oidc === undefined ? null : { issuer: oidc.issuer, subject: oidc.sub }
      if (!(await controls.createPrincipal({ id, kind, name, person_id: person, subject })))
        throw new ExoError('effect.precondition_failed', 'This subject of the issuer is somebody already.')
      const role = tenant_id === 't_system' ? { platform_role: 'platform_operator' } : {}
      return { id, kind, name, person_id: person, status: 'active', oidc: oidc ?? null, ...role }
    },
  },
})

function isPlatform(view: Json): boolean {
  return typeof view === 'object' && view !== null && !Array.isArray(view) && view['platform'] === true
}

function personShown(kind: string, personId: string | undefined, known: boolean): string {
  if (personId === undefined) return kind === 'user' ? 'a new person' : 'nobody'
  return known ? personId : `${personId}, who is nobody here`
}
