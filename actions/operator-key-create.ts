/**
 * Registers an operator's own public key, after which their votes must be signed with it. Governs: another person
 * votes. Undone by revoking the key, which is a record.
 */
import { z } from 'zod'
import { defineAction } from './define.ts'
import { quorumTree } from '../domain/approval.ts'
import { canonicalJson } from '../domain/canonical.ts'
import { isSoundEd25519Key } from '../domain/ed25519.ts'
import { ExoError } from '../domain/errors.ts'
import { sha256TextHex } from '../domain/hash.ts'

const input = z.strictObject({
  public_jwk: z.strictObject({
    kty: z.literal('OKP'),
    crv: z.literal('Ed25519'),
    // What the verifier would refuse is never registered: its owner's votes would count and could not be proven.
    x: z
      .string()
      .regex(/^[A-Za-z0-9_-]{43}$/)
      .refine(isSoundEd25519Key, 'is not a sound Ed25519 key'),
  }),
})

/** RFC 7638 thumbprint, as hex: a key names itself. */
const operatorKid = (jwk: { kty: string; crv: string; x: string }) =>
  `ok_${sha256TextHex(canonicalJson({ crv: jwk.crv, kty: jwk.kty, x: jwk.x })).slice(0, 40)}`

export const operatorKeyCreate = defineAction<z.infer<typeof input>>({
  name: 'operator_key.create',
  version: 1,
  class: 'contained',
  title: "Register an operator's own key",
  governs: true,
  standing: false,
  input,
  example: { public_jwk: { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' } },

  plan: (_input, { person_id, principal_id, permissions, tenant_id }) => {
    if (person_id === null || !permissions.includes('decide'))
      throw new ExoError('auth.insufficient_role', undefined, { required: ['decide'] })
    return {
      preconditions: { principal_id },
      tree: quorumTree(1, tenant_id === 't_system' ? 'platform' : undefined),
    }
  },

  preview: ({ public_jwk }) => ({
    title: "Register an operator's own key",
    fields: [
      { label: 'key id', value: operatorKid(public_jwk) },
      { label: 'public key', value: public_jwk.x },
    ],
  }),

  effect: {
    kind: 'transactional',
    async perform({ controls }, { requested_by, operation_id }, { public_jwk }) {
      const kid = operatorKid(public_jwk)
      const key = { kid, principal_id: requested_by, public_jwk, operation_id }
      if (!(await controls.createOperatorKey(key)))
        throw new ExoError('effect.precondition_failed', 'This key is registered already.', { kid })
      return { kid, principal_id: requested_by, public_jwk }
    },
  },
})
