/**
 * The deployment's private keys: JWK files, one a purpose, named by `EXO_KEY_<PURPOSE>` or, in lab, made in the home
 * with mode 0600. Each process opens only the private halves it signs with; public halves lie in one file for all.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JWK } from 'jose'
import { makeKey, type PublicKeyRow } from '../stores/jose-keys.ts'

export const KEY_PURPOSES = ['proposal', 'attest', 'receipt', 'seal', 'checkpoint'] as const
const PUBLIC = 'public.json'
export type AnyPurpose = (typeof KEY_PURPOSES)[number]

/** Makes what is absent. Lab only: elsewhere a missing key is a missing setting. */
export async function makeLabKeys(home: string): Promise<void> {
  const dir = join(home, 'keys')
  await mkdir(dir, { recursive: true, mode: 0o700 })
  for (const purpose of KEY_PURPOSES) {
    const path = join(dir, `${purpose}.jwk`)
    if (existsSync(path)) continue
    const { privateJwk } = await makeKey(purpose)
    await writeFile(path, JSON.stringify(privateJwk), { mode: 0o600, flag: 'wx' })
  }
  await writePublicHalves(dir)
  const derivation = join(dir, 'credentials.secret')
  if (!existsSync(derivation)) await writeFile(derivation, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' })
}

export async function readKey(home: string, purpose: AnyPurpose, env: NodeJS.ProcessEnv): Promise<JWK> {
  const path = env[`EXO_KEY_${purpose.toUpperCase()}`] ?? join(home, 'keys', `${purpose}.jwk`)
  return JSON.parse(await readFile(path, 'utf8')) as JWK
}

/** The secret from which API keys of new members are derived, so that they need not be stored. */
export async function readDerivationSecret(home: string, env: NodeJS.ProcessEnv): Promise<string> {
  return (await readFile(env.EXO_KEY_CREDENTIALS ?? join(home, 'keys', 'credentials.secret'), 'utf8')).trim()
}

/** The public halves: readable by every process, so that none opens a private key it does not sign with. */
export interface PublicKeys {
  rows: PublicKeyRow[]
  /** Raw Ed25519 public key of the log's checkpoints. */
  checkpoint: Uint8Array
}

export async function publicKeys(home: string, env: NodeJS.ProcessEnv): Promise<PublicKeys> {
  const path = env.EXO_KEY_PUBLIC ?? join(home, 'keys', PUBLIC)
  const all = JSON.parse(await readFile(path, 'utf8')) as (Omit<PublicKeyRow, 'purpose'> & { purpose: AnyPurpose })[]
  const checkpoint = all.find(({ purpose }) => purpose === 'checkpoint')
  if (checkpoint === undefined) throw new Error(`${path} names no checkpoint key`)
  return {
    rows: all.filter((row): row is PublicKeyRow => row.purpose !== 'checkpoint'),
    checkpoint: new Uint8Array(Buffer.from(String(checkpoint.jwk.x), 'base64url')),
  }
}

async function writePublicHalves(dir: string): Promise<void> {
  const all = await Promise.all(
    KEY_PURPOSES.map(async (purpose) => {
      const { kid, kty, crv, x } = JSON.parse(await readFile(join(dir, `${purpose}.jwk`), 'utf8')) as JWK
      return { kid, purpose, jwk: { kty, crv, x } }
    }),
  )
  await writeFile(join(dir, PUBLIC), `${JSON.stringify(all, null, 2)}\n`, { mode: 0o600 })
}
