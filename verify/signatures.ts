/**
 * Step 5, and the first half of 6: who signed what. Each signature is of the one purpose it may have, by a key that was valid
 * then, over claims that speak of this operation and nothing else.
 */
import type { Check } from './check.ts'
import { readJws } from './jws.ts'
import { ensure, Unauthenticated } from './report.ts'
import { instantNs, readInstant } from './shape.ts'
import type { Subject } from './subject.ts'
import { ensureSigned, type Purpose, type TrustRoot } from './trust-root.ts'
import type { Jws } from './jws.ts'
import { readVote } from './votes.ts'

export const signatureChecks: readonly Check[] = [
  { name: 'signatures.deployment', run: deployment },
  { name: 'signatures.proposal', run: proposal },
  { name: 'signatures.votes', run: votes },
  { name: 'signatures.receipt', run: receipt },
  { name: 'signatures.seal', run: seal },
]

const NOTHING = 'no trust root was given, so nobody is authenticated'
const SECOND = 1_000_000_000n
const SKEW_NS = 5n * SECOND

function trusted({ trust }: Subject): TrustRoot {
  if (trust === null) throw new Unauthenticated(NOTHING)
  return trust
}

function signed(
  subject: Subject,
  jws: Jws,
  purpose: Purpose,
  window: Parameters<typeof ensureSigned>[3],
  at: string,
): string {
  ensureSigned(trusted(subject), jws, purpose, window, at)
  return `by ${jws.kid}`
}

function deployment(subject: Subject): string {
  const { deployment: named } = subject.receipt.value.intent
  ensure(trusted(subject).deployment === named, `the operation is of deployment ${named}, the trust root of another`)
  return named
}

function proposal(subject: Subject): string {
  const { jws, value: claims } = subject.proposal
  const { value: given } = subject.receipt
  const expected = {
    operation_id: given.operation_id,
    tenant: given.tenant_id,
    intent_hash: given.intent_hash,
    plan_hash: given.plan_hash,
    principal_id: given.intent.principal_id,
  }
  for (const [name, value] of Object.entries(expected))
    ensure(claims[name as keyof typeof expected] === value, `the proposal names another ${name}`)
  const made = BigInt(claims.iat) * SECOND
  const first = given.passes[0]?.facts['now']
  const read = typeof first === 'string' ? readInstant(first) : null
  ensure(read === null || made <= read + SKEW_NS, 'the proposal is younger than the pass that followed it')
  return signed(subject, jws, 'proposal', { notBefore: made, notAfter: made }, 'proposal.jws')
}

/** Each vote says what its voter is recorded to have said, about what was shown, and is signed by the voter or for them. */
function votes(subject: Subject): string {
  const { value: given } = subject.receipt
  if (given.votes.length === 0) return 'none'
  const nonces = new Set<string>()
  const enrolled = new Map<string, string>()
  for (const [index, compact] of given.votes.entries()) {
    const at = `vote ${index + 1}`
    const voter = given.voters[index]
    ensure(voter !== undefined, `${at} has no voter`)
    const vote = { jws: readJws(compact, at), voter, at }
    const kid = readVote(subject, vote)
    ensure(!nonces.has(voter.nonce), `${at} uses a nonce again`)
    nonces.add(voter.nonce)
    const owner = enrolled.get(kid)
    ensure(voter.assurance === 'attested' || owner === undefined, `${at} is signed with the key of ${owner}`)
    enrolled.set(kid, voter.by)
  }
  trusted(subject)
  return given.voters.map(({ by, decision, assurance }) => `${by} ${decision} (${assurance})`).join(', ')
}

function receipt(subject: Subject): string {
  const { jws, value: given } = subject.receipt
  const made = instantNs(given.ended_at)
  return signed(subject, jws, 'receipt', { notBefore: made, notAfter: made }, 'receipt.jws')
}

/** A seal holds no time: it is younger than the end it seals, and how much younger nobody says. */
function seal(subject: Subject): string {
  const { jws, value: given } = subject.seal
  const { operation_id, tenant_id, ended_at } = subject.receipt.value
  ensure(given.operation_id === operation_id, 'the seal is of another operation')
  ensure(given.tenant_id === tenant_id, 'the seal is of another tenant')
  ensure(given.build_ids.join() === [...subject.builds].sort().join(), 'the seal names other builds than the history')
  return signed(subject, jws, 'seal', { notBefore: instantNs(ended_at), notAfter: null }, 'seal.jws')
}
