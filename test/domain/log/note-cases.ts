/** Notes that must open and notes that must not, told apart for our reader and for Go's, which is a little more lenient. */
import { ed25519 } from '@noble/curves/ed25519.js'
import { checkpointBody, type NoteFault, noteVerifierKey, signNote } from '../../../domain/log/note.ts'

export const ORIGIN = 'dep-test/t_a'
export const DASH = '\u2014'

const privateKey = Uint8Array.from({ length: 32 }, (_, i) => 255 - i)
const publicKey = ed25519.getPublicKey(privateKey)
export const signer = { privateKey, publicKey, verifierKey: noteVerifierKey(ORIGIN, publicKey) }

const sign = (body: string) => signNote(body, ORIGIN, privateKey, publicKey)
const body = checkpointBody({ origin: ORIGIN, size: 5, root: new Uint8Array(32) })
const note = sign(body)
const line = note.slice(body.length + 1)
const stranger = `${DASH} stranger AAAAAAAAAAAA\n`

export interface NoteCase {
  what: string
  text: string
  fault: NoteFault | 'none'
  /** What Go's `note.Open` says where it is more lenient than this system. */
  goOpens?: true
}

export const noteCases: NoteCase[] = [
  { what: 'a plain checkpoint opens', text: note, fault: 'none' },
  { what: 'a body with blank lines opens', text: sign('one\n\ntwo\n'), fault: 'none' },
  { what: 'a body of other scripts opens', text: sign('\u0441\u0447\u0451\u0442 \u2014 \u{1f512}\n'), fault: 'none' },
  { what: 'a line of an unknown key is passed over', text: note + stranger, fault: 'none' },
  { what: 'only lines of unknown keys', text: `${body}\n${stranger}`, fault: 'unknown_key' },
  {
    what: 'the known name with another key hash',
    text: `${body}\n${DASH} ${ORIGIN} AAAAAAAAAAAA\n`,
    fault: 'unknown_key',
  },
  { what: 'the same known line twice', text: note + line, fault: 'duplicate_signature', goOpens: true },
  { what: 'another body', text: note.replace('\n5\n', '\n6\n'), fault: 'bad_signature' },
  { what: 'a signature cut short', text: `${body}\n${line.slice(0, -9)}\n`, fault: 'bad_signature' },
  { what: 'no final newline', text: note.slice(0, -1), fault: 'malformed' },
  { what: 'a second final newline', text: `${note}\n`, fault: 'malformed' },
  { what: 'no blank line', text: body + line, fault: 'malformed' },
  { what: 'no signature lines', text: `${body}\n`, fault: 'malformed' },
  { what: 'nothing', text: '', fault: 'malformed' },
  { what: 'a hyphen for the em dash', text: note.replace(DASH, '-'), fault: 'malformed' },
  { what: 'an en dash for the em dash', text: note.replace(DASH, '\u2013'), fault: 'malformed' },
  { what: 'two spaces after the dash', text: note.replace(`${DASH} `, `${DASH}  `), fault: 'malformed' },
  { what: 'two spaces after the name', text: note.replace(` ${ORIGIN} `, ` ${ORIGIN}  `), fault: 'malformed' },
  { what: 'a space at the end of a line', text: note.replace(/\n$/, ' \n'), fault: 'malformed' },
  { what: 'a plus in a name', text: note.replace(` ${ORIGIN} `, ' a+b '), fault: 'malformed' },
  { what: 'an unusual space in a name', text: note.replace(` ${ORIGIN} `, ' a\u2003b '), fault: 'malformed' },
  { what: 'no name', text: note.replace(` ${ORIGIN} `, '  '), fault: 'malformed' },
  { what: 'base64 without padding', text: note.replace(/=+\n$/, '\n'), fault: 'malformed' },
  { what: 'base64 of the URL alphabet', text: `${note}${DASH} x A_-AAAAAAAAA\n`, fault: 'malformed' },
  { what: 'leftover bits in base64', text: `${note}${DASH} x AAAAAAB=\n`, fault: 'malformed', goOpens: true },
  { what: 'a signature line of four bytes', text: `${note}${DASH} x AAAAAA==\n`, fault: 'malformed' },
  { what: 'a line that is no signature', text: `${note}hello\n`, fault: 'malformed' },
  { what: 'a tab in the body', text: note.replace('/t_a', '\tt_a'), fault: 'malformed' },
  { what: 'a carriage return', text: note.replace('\n5', '\r\n5'), fault: 'malformed' },
  { what: 'a zero character', text: note.replace('5', '\u0000'), fault: 'malformed' },
  { what: 'a hundred lines open', text: note + stranger.repeat(99), fault: 'none' },
  { what: 'an unknown line of five bytes is passed over', text: `${note}${DASH} x AAAAAAA=\n`, fault: 'none' },
  { what: 'a body of a million letters', text: sign(`${'m'.repeat(1_000_000)}\n`), fault: 'malformed', goOpens: true },
  { what: 'more than a hundred lines', text: note + stranger.repeat(100), fault: 'malformed' },
]
