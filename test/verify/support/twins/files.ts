/** Lies told with files alone: nobody here holds a key. The manifest is made right again, unless it is the lie. */
import { bytes, type Kit, textOf } from './kit.ts'
import { twinsOf } from './twin.ts'
import type { JsonObject } from '../../../../domain/canonical.ts'

const FROM = 'executed by votes'

function flip(kit: Kit, name: string): Kit {
  const data = Uint8Array.from(kit.files.get(name) ?? [])
  const middle = Math.floor(data.length / 2)
  data[middle] = (data[middle] ?? 0) ^ 1
  return kit.set(name, data)
}

const without = (name: string) => (kit: Kit) => {
  kit.files.delete(name)
  return kit.manifest()
}

const swapped = (name: string) => (kit: Kit) =>
  kit.set(name, kit.other('executed by one vote').get(name) ?? bytes('')).manifest()

/** Another header over the same payload and signature. */
const header = (name: string, change: JsonObject) => (kit: Kit) => {
  const [head = '', body = '', tail = ''] = textOf(kit.files.get(name)).split('.')
  const given = JSON.parse(Buffer.from(head, 'base64url').toString()) as JsonObject
  const edited = Buffer.from(JSON.stringify({ ...given, ...change })).toString('base64url')
  return kit.set(name, [edited, body, tail].join('.')).manifest()
}

const payload = (name: string, edit: (text: string) => string) => (kit: Kit) => {
  const [head = '', body = '', tail = ''] = textOf(kit.files.get(name)).split('.')
  const edited = Buffer.from(edit(Buffer.from(body, 'base64url').toString())).toString('base64url')
  return kit.set(name, [head, edited, tail].join('.')).manifest()
}

const ONE_BYTE = [
  ['history.json', 'log.digests'],
  ['receipt.jws', 'signatures.receipt'],
  ['seal.jws', 'signatures.seal'],
  ['proposal.jws', 'signatures.proposal'],
  ['proofs.json', 'log.inclusion'],
  ['checkpoint', 'log.checkpoint'],
  ['system/checkpoint', 'log.checkpoint'],
  ['system/proofs.json', 'log.switch'],
  ['system/entries/0.json', 'log.switch'],
] as const

export const fileTwins = [
  ...twinsOf(FROM, [
    ...ONE_BYTE.map(
      ([name, noticed]) => [`one byte of ${name}`, noticed, (kit: Kit) => flip(kit, name).manifest()] as const,
    ),
    ...ONE_BYTE.map(
      ([name]) =>
        [`one byte of ${name}, the manifest left`, 'structure.manifest', (kit: Kit) => flip(kit, name)] as const,
    ),
    ['one byte of the manifest', 'structure.manifest', (kit) => flip(kit, 'manifest.json')],
    [
      'one byte of a leaf',
      'log.inclusion',
      (kit) => flip(kit, [...kit.files.keys()].find((name) => name.startsWith('entries/')) ?? '').manifest(),
    ],
    ...['history.json', 'receipt.jws', 'seal.jws', 'proposal.jws', 'proofs.json', 'checkpoint'].map(
      (name) => [`no ${name}`, 'structure.files', without(name)] as const,
    ),
    ['no manifest', 'structure.files', (kit) => kit.files.delete('manifest.json')],
    ['no checkpoint of the platform', 'log.switch', without('system/checkpoint')],
    ['no leaf of the platform', 'log.switch', without('system/entries/0.json')],
    [
      'nothing of the platform',
      'log.switch',
      (kit) => {
        for (const name of [...kit.files.keys()]) if (name.startsWith('system/')) kit.files.delete(name)
        return kit.manifest()
      },
    ],
    ['nothing at all', 'structure.files', (kit) => kit.files.clear()],
    ['an empty history', 'structure.files', (kit) => kit.set('history.json', '').manifest()],
    ['a history that is no JSON', 'structure.history', (kit) => kit.set('history.json', '{').manifest()],
    [
      'a history with a doubled key',
      'structure.history',
      (kit) => kit.set('history.json', textOf(kit.files.get('history.json')).replace('{', '{"events":[],')).manifest(),
    ],
    [
      'a history that is not UTF-8',
      'structure.history',
      (kit) => kit.set('history.json', Uint8Array.of(0xff, 0xfe)).manifest(),
    ],
    ['an unknown file', 'structure.files', (kit) => kit.set('notes.txt', 'hello').manifest()],
    ['a file outside the bundle', 'structure.files', (kit) => kit.set('../evil', 'hello').manifest()],
    ['the receipt of another operation', 'log.digests', swapped('receipt.jws')],
    ['the seal of another operation', 'signatures.seal', swapped('seal.jws')],
    ['the proposal of another operation', 'signatures.proposal', swapped('proposal.jws')],
    ['the history of another operation', 'structure.history', swapped('history.json')],
    [
      'receipt, seal and proposal of another operation',
      'structure.history',
      (kit) => {
        for (const name of ['receipt.jws', 'seal.jws', 'proposal.jws']) swapped(name)(kit)
      },
    ],
    ['an older checkpoint', 'log.digests', swapped('checkpoint')],
    ['the receipt called a seal', 'signatures.receipt', header('receipt.jws', { typ: 'exo-seal+jwt' })],
    [
      'the receipt in the place of the seal',
      'signatures.seal',
      (kit) => kit.set('seal.jws', textOf(kit.files.get('receipt.jws'))).manifest(),
    ],
    [
      'the seal in the place of the receipt',
      'signatures.receipt',
      (kit) => kit.set('receipt.jws', textOf(kit.files.get('seal.jws'))).manifest(),
    ],
    ['another algorithm', 'signatures.receipt', header('receipt.jws', { alg: 'none' })],
    ['another key id', 'signatures.receipt', header('receipt.jws', { kid: 'receipt-unknown' })],
    [
      "the seal key's id on the receipt",
      'signatures.receipt',
      (kit) => header('receipt.jws', { kid: kit.deployment.signers.seal.kid })(kit),
    ],
    ['a header with a critical extension', 'signatures.seal', header('seal.jws', { crit: ['b64'], b64: false })],
    [
      'no signature',
      'signatures.receipt',
      (kit) => kit.set('receipt.jws', textOf(kit.files.get('receipt.jws')).replace(/[^.]*$/, '')).manifest(),
    ],
    [
      'the status turned in the receipt',
      'signatures.receipt',
      payload('receipt.jws', (text) => text.replace('"status":"executed"', '"status":"proposed"')),
    ],
    [
      'a doubled key in the receipt',
      'signatures.receipt',
      payload('receipt.jws', (text) => text.replace('{', '{"v":1,')),
    ],
    ['white space in the receipt', 'signatures.receipt', payload('receipt.jws', (text) => text.replace(',', ', '))],
    [
      'the tenant turned in the seal',
      'signatures.seal',
      payload('seal.jws', (text) => text.replace('"tenant_id":"t_a"', '"tenant_id":"t_b"')),
    ],
    [
      'a verdict turned and the target replaced',
      'signatures.receipt',
      payload('receipt.jws', (text) =>
        text.replace('"decision":"allow"', '"decision":"block"').replace('"target":null', '"target":"x"'),
      ),
    ],
    ['the bundle of code brought along is another', 'replay.code', (kit) => kit.set('code.js', 'boom').manifest()],
  ]),
]
