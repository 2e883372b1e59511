import { createPrivateKey, sign as platformSign } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  checkpointBody,
  joinNote,
  type NoteFault,
  noteKeyHash,
  NoteRefused,
  noteSignatureLine,
  noteVerifierKey,
  openNote,
  parseCheckpointBody,
  parseVerifierKey,
  signNote,
} from '../../../domain/log/note.ts'
import { DASH, ORIGIN, noteCases, signer } from './note-cases.ts'

const faultOf = (run: () => unknown): NoteFault | 'none' => {
  try {
    run()
    return 'none'
  } catch (error) {
    if (error instanceof NoteRefused) return error.fault
    throw error
  }
}
const root = Uint8Array.from({ length: 32 }, (_, i) => i)
const body = checkpointBody({ origin: ORIGIN, size: 12, root })

describe('checkpoint bodies', () => {
  test('a body is origin, size and root, one a line', () => {
    expect(body).toBe(`${ORIGIN}\n12\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n`)
  })

  test('parsing undoes writing', () => {
    const checkpoints = fc.record({
      origin: fc.stringMatching(/^[a-z0-9/._-]{1,40}$/),
      size: fc.maxSafeNat(),
      root: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    })
    fc.assert(
      fc.property(checkpoints, (checkpoint) => {
        const parsed = parseCheckpointBody(checkpointBody(checkpoint))
        expect({ ...parsed, root: bytesToHex(parsed.root) }).toEqual({
          ...checkpoint,
          root: bytesToHex(checkpoint.root),
        })
      }),
    )
  })

  test.each([
    ['no final newline', body.slice(0, -1)],
    ['a fourth line', `${body}extension\n`],
    ['an empty fourth line', `${body}\n`],
    ['two lines', body.split('\n').slice(1).join('\n')],
    ['no origin', body.replace(ORIGIN, '')],
    ['a space in the origin', body.replace(ORIGIN, 'a b')],
    ['a plus in the origin', body.replace(ORIGIN, 'a+b')],
    ['a leading zero', body.replace('\n12\n', '\n012\n')],
    ['a sign', body.replace('\n12\n', '\n-12\n')],
    ['an exponent', body.replace('\n12\n', '\n1e2\n')],
    ['an unsafe size', body.replace('\n12\n', '\n9007199254740992\n')],
    ['carriage returns', body.replaceAll('\n', '\r\n')],
    ['a root of 31 bytes', body.replace('AAEC', '')],
    ['a root without padding', body.replace('=', '')],
    ['leftover bits in the root', body.replace('Hh8=', 'Hh9=')],
    ['nothing', ''],
  ])('%s is refused', (_what, text) => {
    expect(faultOf(() => parseCheckpointBody(text))).toBe('malformed')
  })

  test('the empty log has a checkpoint', () => {
    expect(parseCheckpointBody(checkpointBody({ origin: ORIGIN, size: 0, root })).size).toBe(0)
  })

  test('a body that could not be parsed again is not written', () => {
    expect(faultOf(() => checkpointBody({ origin: '', size: 1, root }))).toBe('malformed')
    expect(faultOf(() => checkpointBody({ origin: ORIGIN, size: 1.5, root }))).toBe('malformed')
    expect(faultOf(() => checkpointBody({ origin: ORIGIN, size: 1, root: root.subarray(1) }))).toBe('malformed')
  })
})

describe('verifier keys', () => {
  test('name, hash and key come back', () => {
    const key = parseVerifierKey(noteVerifierKey(ORIGIN, signer.publicKey))
    expect(key.name).toBe(ORIGIN)
    expect(bytesToHex(key.publicKey)).toBe(bytesToHex(signer.publicKey))
    expect(bytesToHex(key.hash)).toBe(bytesToHex(noteKeyHash(ORIGIN, signer.publicKey)))
  })

  test('a key published with the format is read', () => {
    const published = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
    const key = parseVerifierKey(published)
    expect(noteVerifierKey(key.name, key.publicKey)).toBe(published)
  })

  test('anything altered is refused', () => {
    const text = noteVerifierKey('log', signer.publicKey)
    const [name, hash, key] = text.split('+')
    for (const bad of [
      '',
      'log',
      `${name}+${hash}`,
      `other+${hash}+${key}`,
      `${name}+00000000+${key}`,
      `${name}+${hash?.toUpperCase()}+${key}`,
      `${name}+${hash}+${key?.slice(4)}`,
      `${name}+${hash}+Ag${key?.slice(2)}`,
      `my log+${hash}+${key}`,
      `${name}+${hash}+${Buffer.from([2, ...signer.publicKey]).toString('base64')}`,
      `${name}+${hash}+${Buffer.from([1, ...signer.publicKey, 0]).toString('base64')}`,
      `${text}=`,
      `${text}\n`,
      ` ${text}`,
    ])
      expect([bad, faultOf(() => parseVerifierKey(bad))]).toEqual([bad, 'malformed'])
  })
})

describe('what is not signed', () => {
  const { privateKey, publicKey } = signer
  test.each<[string, () => unknown]>([
    ['a body without a final newline', () => signNote('one', ORIGIN, privateKey, publicKey)],
    ['an empty body', () => signNote('', ORIGIN, privateKey, publicKey)],
    ['a body with a control character', () => joinNote('one\ttwo\n', [])],
    ['a body with a lone surrogate', () => joinNote('\ud800\n', [])],
    ['a name with a space', () => signNote(body, 'my log', privateKey, publicKey)],
    ['a name with a plus', () => noteVerifierKey('my+log', publicKey)],
    ['no name', () => noteKeyHash('', publicKey)],
    ['a public key of another length', () => noteKeyHash(ORIGIN, publicKey.subarray(1))],
    ['a signature of another length', () => noteSignatureLine(ORIGIN, publicKey, new Uint8Array(63))],
  ])('%s', (_what, run) => {
    expect(faultOf(run)).toBe('malformed')
  })
})

describe('opening', () => {
  const note = signNote(body, ORIGIN, signer.privateKey, signer.publicKey)

  test('a signed note opens to its body and its signer', () => {
    expect(openNote(note, [signer.verifierKey])).toEqual({ body, signers: [ORIGIN] })
  })

  test('a signature of the platform over the same bytes is the same note', () => {
    const key = createPrivateKey({
      format: 'jwk',
      key: {
        kty: 'OKP',
        crv: 'Ed25519',
        d: Buffer.from(signer.privateKey).toString('base64url'),
        x: Buffer.from(signer.publicKey).toString('base64url'),
      },
    })
    const signature = platformSign(null, Buffer.from(body, 'utf8'), key)
    expect(joinNote(body, [noteSignatureLine(ORIGIN, signer.publicKey, signature)])).toBe(note)
  })

  test.each(noteCases)('$what', ({ text, fault }) => {
    expect(faultOf(() => openNote(text, [signer.verifierKey]))).toBe(fault)
  })

  test('two known signers are both named, in the order of their lines', () => {
    const seed = Uint8Array.from({ length: 32 }, () => 9)
    const publicKey = ed25519.getPublicKey(seed)
    const line = noteSignatureLine('witness', publicKey, ed25519.sign(Buffer.from(body), seed))
    const keys = [noteVerifierKey('witness', publicKey), signer.verifierKey]
    expect(openNote(note + line, keys).signers).toEqual([ORIGIN, 'witness'])
    expect(faultOf(() => openNote(note + line, [keys[0] ?? '', keys[0] ?? '']))).toBe('malformed')
  })

  test('without a known key nothing opens', () => {
    expect(faultOf(() => openNote(note, []))).toBe('unknown_key')
  })

  test('a key that is no point of the curve verifies nothing', () => {
    const publicKey = new Uint8Array(32).fill(0xff)
    const line = noteSignatureLine('log', publicKey, new Uint8Array(64))
    expect(faultOf(() => openNote(`${body}\n${line}`, [noteVerifierKey('log', publicKey)]))).toBe('bad_signature')
  })

  test('no single changed bit of a note opens', () => {
    const bytes = Buffer.from(note, 'utf8')
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        const changed = Buffer.from(bytes)
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        return faultOf(() => openNote(changed.toString('utf8'), [signer.verifierKey])) !== 'none'
      }),
      { numRuns: 200 },
    )
  })

  test('arbitrary text is refused and never an unexpected error', () => {
    const pieces = fc.array(
      fc.oneof(fc.string(), fc.constantFrom('\n', '\n\n', DASH, ' ', ORIGIN, 'AAAAAAAA', body, note)),
    )
    fc.assert(
      fc.property(pieces, (parts) => {
        const text = parts.join('')
        const fault = faultOf(() => openNote(text, [signer.verifierKey]))
        return fault !== 'none' || text.endsWith(note)
      }),
    )
  })
})
