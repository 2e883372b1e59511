/**
 * One vote: its claims against what its voter is recorded to have said, and its signature. An attested vote is signed by the
 * deployment for a logged-in person; a self-signed one by the person's own key, which a control operation enrolled: the leaf of
 * that change travels in the bundle and stands in the same signed log.
 */
import type { Jws } from './jws.ts'
import { publicJwk, publicKeyOf, verifiesJws } from './jws.ts'
import { ensure } from './report.ts'
import { count, exactly, hexHash, instantNs, nullable, oneOf, text, withMembers } from './shape.ts'
import type { Subject } from './subject.ts'
import { ensureSigned, TYP } from './trust-root.ts'
import type { Receipt } from '../domain/receipt.ts'

interface Vote {
  jws: Jws
  voter: Receipt['voters'][number]
  at: string
}

interface Claims {
  operation_id: string
  tenant: string
  intent_hash: string
  plan_hash: string
  shown_hash: string
  decision: 'approve' | 'deny'
  reason: string | null
  nonce: string
  iat: number
  exp: number
  by?: string
}

const claimsShape = exactly<Claims>(
  {
    operation_id: text,
    tenant: text,
    intent_hash: hexHash,
    plan_hash: hexHash,
    shown_hash: hexHash,
    decision: oneOf('approve', 'deny'),
    reason: nullable(text),
    nonce: text,
    iat: count,
    exp: count,
    by: text,
  },
  ['by'],
)

const MAX_AGE = 3600
const SKEW = 5
const SECOND = 1_000_000_000n

/** Answers the key that signed. */
export function readVote(subject: Subject, { jws, voter, at }: Vote): string {
  const claims = claimsShape(jws.claims, at)
  const { value: receipt } = subject.receipt
  const expected = {
    operation_id: receipt.operation_id,
    tenant: receipt.tenant_id,
    intent_hash: receipt.intent_hash,
    plan_hash: receipt.plan_hash,
    shown_hash: receipt.shown_hash,
    decision: voter.decision,
    reason: voter.reason,
    nonce: voter.nonce,
  }
  for (const [name, value] of Object.entries(expected))
    ensure(claims[name as keyof typeof expected] === value, `${at} names another ${name}`)
  ensure(voter.shown_hash === claims.shown_hash, `${at} is recorded with another shown_hash`)
  ensure(claims.nonce.length >= 16, `${at} has a nonce that is too short`)
  ensure(claims.exp > claims.iat && claims.exp - claims.iat <= MAX_AGE, `${at} is valid for too long`)
  const admitted = instantNs(voter.at)
  ensure(BigInt(claims.iat - SKEW) * SECOND <= admitted, `${at} was admitted before it was signed`)
  ensure(BigInt(claims.exp + SKEW) * SECOND > admitted, `${at} was admitted after it had run out`)
  ensure(jws.typ === TYP.attest, `${at} has typ ${jws.typ}`)
  ensure(claims.by === undefined || claims.by === voter.by, `${at} names another voter`)
  if (voter.assurance === 'self_signed') ensureOwnKey(subject, { jws, voter, at })
  else {
    ensure(claims.by !== undefined, `${at} is attested for nobody`)
    const made = BigInt(claims.iat) * SECOND
    if (subject.trust !== null) ensureSigned(subject.trust, jws, 'attest', { notBefore: made, notAfter: made }, at)
  }
  return jws.kid
}

const enrolment = withMembers({ public_jwk: publicJwk })

/** The voter's own key: enrolled by the voter, before the vote, in a leaf the checkpoint holds. */
function ensureOwnKey(subject: Subject, { jws, voter, at }: Vote): void {
  const { tenant_id } = subject.receipt.value
  const keys = [...subject.log.entries.values()].flatMap(({ leaf }) => {
    const enrols =
      leaf.kind === 'control.changed' && leaf.action === 'operator_key.create' && leaf.tenant_id === tenant_id
    const own = leaf.actor.principal_id === voter.by && instantNs(leaf.at) <= instantNs(voter.at)
    return enrols && own ? [enrolment(leaf.after, `${at} enrolment`).public_jwk] : []
  })
  ensure(keys.length > 0, `${at} is signed with a key whose enrolment the bundle does not hold`)
  ensure(
    keys.some((key) => verifiesJws(jws, publicKeyOf(key, at))),
    `${at} is not signed with a key that ${voter.by} enrolled`,
  )
}
