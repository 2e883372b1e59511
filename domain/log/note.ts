/**
 * Checkpoints as C2SP signed notes: three lines of text (origin, size, root) under Ed25519 signatures, which any
 * implementation of that format can open.
 *
 * Opening is strict: one exact form, no control characters, canonical base64, a known key at most once, and at least one
 * good signature by a known key. Lines of unknown keys are passed over, as the format demands, and prove nothing. Nothing
 * here says that a checkpoint is recent, or that no other one of the same size was signed.
 */
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { fromBase64, toBase64 } from '../base64.ts'

export interface Checkpoint {
  origin: string
  size: number
  root: Uint8Array
}

export interface VerifierKey {
  name: string
  /** The first four bytes of a digest over name and key: a hint which key to try, no proof. */
  hash: Uint8Array
  publicKey: Uint8Array
}

export type NoteFault = 'malformed' | 'duplicate_signature' | 'unknown_key' | 'bad_signature'

/** A note, a body or a key that was refused. `fault` is stable; the message is for people. */
export class NoteRefused extends Error {
  readonly fault: NoteFault
  constructor(fault: NoteFault, message: string) {
    super(message)
    this.name = 'NoteRefused'
    this.fault = fault
  }
}

const ED25519 = 1
const MAX_NOTE_LENGTH = 1_000_000
const MAX_SIGNATURES = 100
const HEX_HASH = /^[0-9a-f]{8}$/
const COUNT = /^(?:0|[1-9]\d{0,15})$/
// Em dash, space, name, space, base64.
const SIGNATURE_LINE = /^\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})$/u

/** The text that is signed, final newline included. */
export function checkpointBody({ origin, size, root }: Checkpoint): string {
  if (!isName(origin)) throw new NoteRefused('malformed', 'origin is not a name')
  if (!Number.isSafeInteger(size) || size < 0) throw new NoteRefused('malformed', 'size is not a count')
  if (root.length !== 32) throw new NoteRefused('malformed', 'a root has 32 bytes')
  return `${origin}\n${size}\n${toBase64(root)}\n`
}

/** The inverse of {@link checkpointBody}, for exactly its output. Extension lines are refused: this system writes none. */
export function parseCheckpointBody(body: string): Checkpoint {
  const [origin = '', count = '', root = '', end, ...more] = body.split('\n')
  const bytes = fromBase64(root)
  const size = Number(count)
  if (end !== '' || more.length > 0) throw new NoteRefused('malformed', 'a checkpoint has three lines')
  if (!isName(origin)) throw new NoteRefused('malformed', 'origin is not a name')
  if (!COUNT.test(count) || !Number.isSafeInteger(size)) throw new NoteRefused('malformed', 'size is not a count')
  if (bytes === null || bytes.length !== 32) throw new NoteRefused('malformed', 'a root has 32 bytes')
  return { origin, size, root: bytes }
}

/** Signs a body with a 32-byte Ed25519 seed and returns the whole note. */
export function signNote(body: string, name: string, privateKey: Uint8Array, publicKey: Uint8Array): string {
  assertBody(body)
  const signature = ed25519.sign(utf8ToBytes(body), privateKey)
  return joinNote(body, [noteSignatureLine(name, publicKey, signature)])
}

/** Body, blank line, signature lines: for signatures over the UTF-8 bytes of the body that were made elsewhere. */
export function joinNote(body: string, signatureLines: readonly string[]): string {
  assertBody(body)
  return `${body}\n${signatureLines.join('')}`
}

/** One signature line, final newline included. `signature` is the raw 64 bytes. */
export function noteSignatureLine(name: string, publicKey: Uint8Array, signature: Uint8Array): string {
  if (signature.length !== 64) throw new NoteRefused('malformed', 'a signature has 64 bytes')
  return `\u2014 ${name} ${toBase64(concatBytes(noteKeyHash(name, publicKey), signature))}\n`
}

export function noteKeyHash(name: string, publicKey: Uint8Array): Uint8Array {
  if (!isName(name)) throw new NoteRefused('malformed', 'not a key name')
  if (publicKey.length !== 32) throw new NoteRefused('malformed', 'a public key has 32 bytes')
  return sha256(concatBytes(utf8ToBytes(`${name}\n`), Uint8Array.of(ED25519), publicKey)).slice(0, 4)
}

/** The text that hands a public key to verifiers: `name+hash+key`. */
export function noteVerifierKey(name: string, publicKey: Uint8Array): string {
  const typed = concatBytes(Uint8Array.of(ED25519), publicKey)
  return `${name}+${bytesToHex(noteKeyHash(name, publicKey))}+${toBase64(typed)}`
}

/** The inverse of {@link noteVerifierKey}. A hash that does not belong to name and key is refused. */
export function parseVerifierKey(text: string): VerifierKey {
  // Base64 may hold a plus sign, a name and a hash may not.
  const [name = '', hash = '', ...rest] = text.split('+')
  const typed = fromBase64(rest.join('+'))
  if (!isName(name) || !HEX_HASH.test(hash) || typed === null || typed.length !== 33 || typed[0] !== ED25519)
    throw new NoteRefused('malformed', 'not an Ed25519 verifier key')
  const publicKey = typed.slice(1)
  if (bytesToHex(noteKeyHash(name, publicKey)) !== hash)
    throw new NoteRefused('malformed', 'hash does not belong to this verifier key')
  return { name, hash: hexToBytes(hash), publicKey }
}

export interface OpenedNote {
  body: string
  /** Names of the known keys that signed, in the order of their lines. */
  signers: string[]
}

/** The body of a note signed by at least one of these keys. Throws {@link NoteRefused} for every other text or key. */
export function openNote(text: string, verifierKeys: readonly string[]): OpenedNote {
  const known = new Map<string, VerifierKey>()
  for (const key of verifierKeys.map(parseVerifierKey)) {
    const id = keyId(key.name, key.hash)
    if (known.has(id)) throw new NoteRefused('malformed', 'two verifier keys of one name and hash')
    known.set(id, key)
  }
  const { body, lines } = splitNote(text)
  const message = utf8ToBytes(body)
  const signers = new Map<string, string>()
  for (const line of lines) {
    const { name, hash, signature } = parseSignatureLine(line)
    const id = keyId(name, hash)
    const key = known.get(id)
    if (key === undefined) continue
    if (signers.has(id)) throw new NoteRefused('duplicate_signature', `${name} signed twice`)
    if (!verifies(signature, message, key.publicKey))
      throw new NoteRefused('bad_signature', `signature of ${name} does not verify`)
    signers.set(id, name)
  }
  if (signers.size === 0) throw new NoteRefused('unknown_key', 'no known key signed')
  return { body, signers: [...signers.values()] }
}

function splitNote(text: string): { body: string; lines: string[] } {
  // The last blank line ends the body, so that a body may hold blank lines of its own.
  const blank = text.lastIndexOf('\n\n')
  if (text.length > MAX_NOTE_LENGTH || blank < 0 || !text.endsWith('\n') || !isCleanText(text))
    throw new NoteRefused('malformed', 'not a signed note')
  const lines = text.slice(blank + 2, -1).split('\n')
  if (text.length === blank + 2 || lines.length > MAX_SIGNATURES)
    throw new NoteRefused('malformed', 'no signature lines, or too many')
  return { body: text.slice(0, blank + 1), lines }
}

function parseSignatureLine(line: string): { name: string; hash: Uint8Array; signature: Uint8Array } {
  const [, name = '', encoded = ''] = SIGNATURE_LINE.exec(line) ?? []
  const bytes = fromBase64(encoded)
  if (!isName(name) || bytes === null || bytes.length < 5) throw new NoteRefused('malformed', 'not a signature line')
  return { name, hash: bytes.slice(0, 4), signature: bytes.slice(4) }
}

function verifies(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  // The rule of RFC 8032 and FIPS 186-5: no unreduced encodings, no keys of small order.
  return signature.length === 64 && ed25519.verify(signature, message, publicKey, { zip215: false })
}

function assertBody(body: string): void {
  if (!body.endsWith('\n') || !isCleanText(body)) throw new NoteRefused('malformed', 'not the body of a note')
}

/** No control characters of ASCII but newlines, and nothing that UTF-8 cannot write. */
function isCleanText(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) < 0x20 && text[at] !== '\n') return false
  return text.isWellFormed()
}

function isName(text: string): boolean {
  return text !== '' && isCleanText(text) && !/[\p{White_Space}+]/u.test(text)
}

function keyId(name: string, hash: Uint8Array): string {
  return `${name}+${bytesToHex(hash)}`
}
