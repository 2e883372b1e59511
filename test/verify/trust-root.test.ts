/** A trust root is believed whole or not at all. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../domain/canonical.ts'
import { readTrustRoot } from '../../verify/trust-root.ts'
import { setPlaces } from './support/twins/places.ts'

const TEXT = readFileSync(join(import.meta.dirname, '..', 'replay', 'trust.json'), 'utf8')
const read = (text: string) => readTrustRoot(new TextEncoder().encode(text))
const changed = (places: Record<string, unknown>) => {
  const trust = JSON.parse(TEXT) as JsonObject
  setPlaces(trust, places)
  return () => read(JSON.stringify(trust))
}

describe('a trust root', () => {
  test('of a deployment is read', () => {
    expect(
      read(TEXT)
        .keys.map(({ purpose }) => purpose)
        .sort(),
    ).toEqual(['attest', 'proposal', 'receipt', 'seal'])
  })

  test.each([
    ['another version', { v: 2 }, 'trust.json.v'],
    ['an unknown member', { extra: 1 }, 'trust.json.extra is unknown'],
    ['an unknown member of a key', { 'keys[0].use': 'sig' }, 'use is unknown'],
    ['a key without purpose', { 'keys[0].purpose': undefined }, 'purpose is missing'],
    ['a key of an unknown purpose', { 'keys[0].purpose': 'root' }, 'is not one of'],
    ['a key with the typ of another purpose', { 'keys[0].typ': 'exo-seal+jwt' }, 'typ of another purpose'],
    ['a private key', { 'keys[0].jwk.d': 'secret' }, 'jwk.d is unknown'],
    ['a key that is too short', { 'keys[0].jwk.x': 'AAAA' }, 'not a sound Ed25519 key'],
    [
      'a key under which many signatures verify',
      { 'keys[0].jwk.x': 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' },
      'not a sound Ed25519 key',
    ],
    ['a window that never opens', { 'keys[0].not_after': '2019-01-01T00:00:00Z' }, 'never valid'],
    ['a window that is no time', { 'keys[0].not_before': 'yesterday' }, 'not an instant'],
    [
      'one key id twice',
      { 'keys[1].kid': (JSON.parse(TEXT) as { keys: { kid: string }[] }).keys[0]?.kid },
      'a key twice',
    ],
    ['a prefix of another deployment', { 'log.origin_prefix': 'dep_other/' }, 'origin_prefix'],
    ['a log key that is none', { 'log.note_key': 'x' }, 'note_key'],
    ['no keys', { keys: [] }, 'no proposal key'],
  ])('with %s is refused', (_what, places, reason) => {
    expect(changed(places)).toThrow(reason)
  })

  test.each([
    ['no JSON', '{', 'not JSON'],
    ['a doubled key', TEXT.replace('{', '{"v":1,'), 'duplicate key'],
    ['a list', '[]', 'not an object'],
  ])('that is %s is refused', (_what, text, reason) => {
    expect(() => read(text)).toThrow(reason)
  })
})
