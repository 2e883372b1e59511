/**
 * The operator's own Ed25519 key: a JWK file that only its user may read, one a principal, under the home's keys or
 * where `EXO_KEY` says. Its private half never leaves this machine.
 */
import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { JWK } from 'jose'
import { usage } from './failure.ts'
import type { Session } from './session.ts'

export interface OwnKey {
  path: string
  jwk: { kty: 'OKP'; crv: 'Ed25519'; x: string; d: string }
}

/** Where the key of the calling principal is kept. */
export async function ownKeyPath(session: Session): Promise<string> {
  if (session.env.EXO_KEY) return session.env.EXO_KEY
  const { id } = (await session.api.me()).principal as { id: string }
  return join(session.home, 'keys', `operator-${id}.jwk`)
}

/** Null when there is none; a file that is not such a key, or that others may read, is refused. */
export async function readOwnKey(session: Session): Promise<OwnKey | null> {
  const path = await ownKeyPath(session)
  let text: string
  try {
    const { mode } = await stat(path)
    if ((mode & 0o077) !== 0)
      throw usage(`${path} can be read by others, so it is not used.`, {
        remedy: `chmod 600 ${path}, and think about a new key.`,
      })
    text = await readFile(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    if (session.env.EXO_KEY)
      throw usage(`EXO_KEY names ${path}, which does not exist.`, { cause, remedy: 'exo key new makes it.' })
    return null
  }
  return { path, jwk: parseKey(path, text) }
}

function parseKey(path: string, text: string): OwnKey['jwk'] {
  try {
    const { kty, crv, x, d } = JSON.parse(text) as JWK
    if (kty === 'OKP' && crv === 'Ed25519' && typeof x === 'string' && typeof d === 'string')
      return { kty: 'OKP', crv: 'Ed25519', x, d }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw usage(`${path} does not hold an Ed25519 key as a private JWK.`)
}

/** Makes a key where there is none. Complete or absent, never overwritten. */
export async function makeOwnKey(path: string): Promise<OwnKey> {
  const { exportJWK, generateKeyPair } = await import('jose')
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const { x = '', d = '' } = await exportJWK(privateKey)
  const jwk = { kty: 'OKP', crv: 'Ed25519', x, d } as const
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${randomBytes(4).toString('hex')}`
  await writeFile(draft, `${JSON.stringify(jwk)}\n`, { mode: 0o600, flag: 'wx' })
  try {
    await link(draft, path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    throw usage(`${path} exists already.`, {
      cause,
      remedy: 'Keep it; or, when it leaked, exo key list and exo key revoke KID, then move it away by hand.',
    })
  } finally {
    await rm(draft, { force: true })
  }
  return { path, jwk }
}

export interface RegisteredKey {
  kid: string
  principal_id: string
  public_jwk: { x: string }
  not_before: string
  revoked_at: string | null
}

/** The registration of this key for the calling principal, or null while it has none that counts. */
export async function registrationOf(session: Session, key: OwnKey): Promise<RegisteredKey | null> {
  const { id } = (await session.api.me()).principal as { id: string }
  const keys = (await session.api.all('/operator-keys')) as unknown as RegisteredKey[]
  return (
    keys.find((each) => each.principal_id === id && each.public_jwk.x === key.jwk.x && each.revoked_at === null) ?? null
  )
}
