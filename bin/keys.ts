/**
 * The deployment's private keys: JWK files, one a purpose, named by `EXO_KEY_<PURPOSE>` or, in lab, made in the home
 * with mode 0600. Each process opens only the purposes it uses.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JWK } from 'jose'
import type { KeyPurpose } from '../domain/ports.ts'
import { makeKey, type PublicKeyRow } from '../stores/jose-keys.ts'

export const KEY_PURPOSES = ['proposal', 'attest', 'receipt', 'seal', 'checkpoint'] as const
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

/** The public halves, as trust.json and the readers of signatures take them. */
export async function publicKeys(home: string, env: NodeJS.ProcessEnv): Promise<PublicKeyRow[]> {
  return await Promise.all(
    (['proposal', 'attest', 'receipt', 'seal'] satisfies KeyPurpose[]).map(async (purpose) => {
      const { kid, kty, crv, x } = await readKey(home, purpose, env)
      return { kid: kid ?? '', purpose, jwk: { kty: kty ?? '', crv: crv ?? '', x: x ?? '' } }
    }),
  )
}
