/** The trust root: what a verifier must be given from outside the bundle. */
import type { JsonObject } from '../domain/canonical.ts'
import { PURPOSE_TYP } from '../domain/key-purposes.ts'
import type { PublicKeyRow } from '../stores/jose-keys.ts'

const NOT_BEFORE = '2020-01-01T00:00:00Z'
const NOT_AFTER = '2099-01-01T00:00:00Z'

export function makeTrust(deployment: string, noteKey: string, keys: readonly PublicKeyRow[]): JsonObject {
  return {
    v: 1,
    deployment,
    log: { origin_prefix: `${deployment}/`, note_key: noteKey },
    keys: keys.map(({ kid, purpose, jwk }) => ({
      kid,
      purpose,
      holder: deployment,
      typ: PURPOSE_TYP[purpose],
      jwk,
      not_before: NOT_BEFORE,
      not_after: NOT_AFTER,
    })),
    issuers: [],
  }
}
