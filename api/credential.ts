/**
 * What a caller presents, read by the shape of the bearer token: an API key or a JWT, and nothing else. Whom it speaks
 * for is the database's to say; here a key's secret becomes its hash and a token's signature is verified.
 */
import { createHash } from 'node:crypto'
import type { AdmissionCredential, ApiPorts } from './ports.ts'
import { canonicalJson } from '../domain/canonical.ts'
import { sha256TextHex } from '../domain/hash.ts'

const API_KEY = /^Bearer exo_([a-z0-9]{6,64})_([A-Za-z0-9_-]{20,128})$/
const JWT = /^Bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/

export interface Presented {
  /** Null when nothing needs to be looked up to refuse it. */
  credential: AdmissionCredential | null
  /** What failures are counted under: the key's id, or issuer and subject; null when it names neither. */
  countedAs: string | null
}

export async function readCredential(authorization: string, tokens: ApiPorts['tokens']): Promise<Presented> {
  const [, id, secret] = API_KEY.exec(authorization) ?? []
  if (id !== undefined && secret !== undefined) {
    const secret_sha256 = createHash('sha256').update(secret).digest('hex')
    return { credential: { kind: 'key', id, secret_sha256 }, countedAs: `key ${id}` }
  }
  const [, jws] = JWT.exec(authorization) ?? []
  if (jws === undefined) return { credential: null, countedAs: null }
  const read = await tokens.read(jws)
  if (read.token === null)
    return { credential: null, countedAs: read.claimed === null ? null : subjectName(read.claimed) }
  const { issuer, subject, token_id, not_before, not_after, expires_at, permissions } = read.token
  const credentialId = `jwt_${sha256TextHex(canonicalJson([issuer, token_id])).slice(0, 40)}`
  return {
    credential: { kind: 'token', id: credentialId, issuer, subject, not_before, not_after, expires_at, permissions },
    countedAs: subjectName({ issuer, subject }),
  }
}

const subjectName = ({ issuer, subject }: { issuer: string; subject: string }) => canonicalJson([issuer, subject])
