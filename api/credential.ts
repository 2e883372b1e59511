/**
 * What a caller presents, read by the shape of the bearer token: an API key or a JWT, and nothing else; on an event
 * stream a ticket in its place. Whom it speaks for is the database's to say; here a secret becomes its hash and a token's
 * signature is verified.
 */
import { createHash } from 'node:crypto'
import type { AdmissionCredential, ApiPorts } from './ports.ts'
import type { Ctx } from './request.ts'
import { canonicalJson, type JsonObject } from '../domain/canonical.ts'
import { ExoError } from '../domain/errors.ts'
import { sha256TextHex } from '../domain/hash.ts'

const API_KEY = /^Bearer exo_([a-z0-9]{6,64})_([A-Za-z0-9_-]{20,128})$/
const JWT = /^Bearer ([A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+)$/

const TICKET = /^xt_[A-Za-z0-9_-]{43}$/

/** The streams that a ticket can be for: what stands in `stream` is compared with the path as it is. */
export const STREAM = /^\/(?:events|operations\/op_[0-9a-z]{1,64}\/events)$/

export interface Presented {
  /** Null when nothing needs to be looked up to refuse it. */
  credential: AdmissionCredential | null
  /** What failures are counted under: the key's id, or issuer and subject; null when it names neither. */
  countedAs: string | null
}

/** What the request presents, by header or by ticket; never by both. */
export async function readPresented(c: Ctx): Promise<Presented> {
  const authorization = c.req.header('authorization')
  const tickets = c.req.method === 'GET' && STREAM.test(c.req.path) ? (c.req.queries('ticket') ?? []) : []
  if (tickets.length === 0) {
    if (authorization === undefined) throw new ExoError('auth.missing')
    return await readCredential(authorization, c.get('ports').tokens)
  }
  const [ticket = ''] = tickets
  const alone = authorization === undefined && tickets.length === 1 && TICKET.test(ticket)
  const credential = { kind: 'ticket' as const, secret_sha256: sha256TextHex(ticket), stream: c.req.path }
  return { credential: alone ? credential : null, countedAs: null }
}

/** What a ticket keeps of the credential it is given for: enough to look it up again, and nothing that opens anything. */
export function withoutSecret(credential: AdmissionCredential): JsonObject {
  if (credential.kind === 'token') return { ...credential }
  return credential.kind === 'key' ? { kind: 'key', id: credential.id } : { kind: 'ticket' }
}

async function readCredential(authorization: string, tokens: ApiPorts['tokens']): Promise<Presented> {
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
  const { client_id: _client, token_id, ...token } = read.token
  const { issuer, subject } = token
  const credentialId = `jwt_${sha256TextHex(canonicalJson([issuer, token_id])).slice(0, 40)}`
  return {
    credential: { kind: 'token', id: credentialId, ...token },
    countedAs: subjectName({ issuer, subject }),
  }
}

const subjectName = ({ issuer, subject }: { issuer: string; subject: string }) => canonicalJson([issuer, subject])
