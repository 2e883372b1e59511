/** Archives and folders as strangers make them: only what a bundle may be is read, and nothing is unpacked on trust. */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sha256TextHex } from '../../domain/hash.ts'
import { BUNDLE_LIMITS, isBundleFile, packBundle } from '../../verify/bundle-shape.ts'
import { findBundles, readBundle, unpackBundle } from '../../verify/read-bundle.ts'
import { verifyPaths } from '../../verify/verify.ts'
import { DECIDERS } from './support/options.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const FILES = new Map([
  ['manifest.json', bytes('{}')],
  ['entries/0.json', bytes('{}')],
  ['system/checkpoint', bytes('x')],
])
let home: string
beforeEach(async () => void (home = await mkdtemp(join(tmpdir(), 'exo-bundle-'))))
afterEach(async () => await rm(home, { recursive: true }))

/** The archive with one name overwritten by another of the same length, everywhere it stands. */
function renamed(archive: Uint8Array, from: string, to: string): Uint8Array {
  return new Uint8Array(Buffer.from(Buffer.from(archive).toString('latin1').replaceAll(from, to), 'latin1'))
}

/** The time zone is the process's, so each zone takes one. */
function packedUnder(TZ: string): Buffer {
  const shape = join(import.meta.dirname, '..', '..', 'verify', 'bundle-shape.ts')
  const program = `const { packBundle } = await import(${JSON.stringify(shape)})
    process.stdout.write(packBundle(new Map(${JSON.stringify([...FILES].map(([name, data]) => [name, [...data]]))}
      .map(([name, data]) => [name, Uint8Array.from(data)]))))`
  return execFileSync(process.execPath, ['--input-type=module', '-e', program], { env: { TZ } })
}

describe('a bundle', () => {
  test('packs to the same bytes whatever the order of its files and the time zone', () => {
    const packed = Buffer.from(packBundle(new Map([...FILES].reverse())))
    for (const TZ of ['UTC', 'Pacific/Auckland', 'America/Los_Angeles'])
      expect(Buffer.compare(packedUnder(TZ), packed)).toBe(0)
    expect(new Map([...unpackBundle(packBundle(FILES))])).toEqual(
      new Map([...FILES].sort(([a], [b]) => (a < b ? -1 : 1))),
    )
  })

  test.each([
    ['entries/0.json', true],
    ['system/entries/12.json', true],
    ['code.js', true],
    ['entries/00.json', false],
    ['entries/-1.json', false],
    ['entries/1e3.json', false],
    ['../manifest.json', false],
    ['/manifest.json', false],
    ['system/manifest.json', false],
    ['system/system/checkpoint', false],
    ['entries/../receipt.jws', false],
    ['MANIFEST.JSON', false],
    ['', false],
  ])('may hold %s: %s', (name, may) => {
    expect(isBundleFile(name)).toBe(may)
  })
})

describe('an archive', () => {
  test.each([
    ['that is none', bytes('not a zip'), 'cannot be unpacked'],
    ['that is empty', new Uint8Array(), 'cannot be unpacked'],
    ['cut short', packBundle(FILES).slice(0, 40), 'cannot be unpacked'],
    ['with a name that leads out', zipSync({ '../manifest.json': bytes('{}') }), 'does not belong'],
    ['with an absolute name', zipSync({ '/etc/passwd': bytes('x') }), 'does not belong'],
    ['with an unknown name', zipSync({ 'readme.txt': bytes('x') }), 'does not belong'],
    [
      'with one name twice',
      renamed(zipSync({ 'entries/1.json': bytes('a'), 'entries/2.json': bytes('b') }), 'entries/2', 'entries/1'),
      'twice',
    ],
  ])('%s is refused', (_what, archive, reason) => {
    expect(() => unpackBundle(archive)).toThrow(reason)
  })

  test('with too many entries is refused before anything is unpacked', () => {
    const many = Object.fromEntries(
      Array.from({ length: BUNDLE_LIMITS.entries + 1 }, (_, seq) => [`entries/${seq}.json`, new Uint8Array()]),
    )
    expect(() => unpackBundle(zipSync(many, { level: 0 }))).toThrow('more than allowed')
  })

  test('of stored files that say they are smaller is refused before anything is unpacked', () => {
    const archive = Buffer.from(zipSync({ checkpoint: new Uint8Array(4_096) }, { level: 0 }))
    archive.writeUInt32LE(1, archive.indexOf(Buffer.from('PK\x01\x02', 'latin1')) + 24)
    expect(() => unpackBundle(archive)).toThrow('not of the size it says')
  })

  test('that says it is larger than allowed is refused before anything is unpacked', () => {
    const archive = Buffer.from(zipSync({ checkpoint: bytes('x') }, { level: 0 }))
    // The size before compression, in the central directory: what a bomb would say, or hide.
    const central = archive.indexOf(Buffer.from('PK\x01\x02', 'latin1'))
    archive.writeUInt32LE(BUNDLE_LIMITS.entryBytes + 1, central + 24)
    expect(() => unpackBundle(archive)).toThrow('larger than allowed')
  })
})

describe('a folder', () => {
  test('reads as the archive does', async () => {
    await mkdir(join(home, 'b', 'entries'), { recursive: true })
    await mkdir(join(home, 'b', 'system'))
    for (const [name, data] of FILES) await writeFile(join(home, 'b', name), data)
    expect(await readBundle(join(home, 'b'))).toEqual(unpackBundle(packBundle(FILES)))
  })

  test('with a link in it is refused', async () => {
    await writeFile(join(home, 'target'), 'x')
    await mkdir(join(home, 'b'))
    await symlink(join(home, 'target'), join(home, 'b', 'manifest.json'))
    await expect(readBundle(join(home, 'b'))).rejects.toThrow('does not belong')
  })

  test('is searched for bundles in the order of their names, links and other files passed over', async () => {
    await mkdir(join(home, 'b'))
    await writeFile(join(home, 'b', 'manifest.json'), '{}')
    for (const name of ['c.zip', 'a.zip', 'trust.json']) await writeFile(join(home, name), 'x')
    await symlink(join(home, 'a.zip'), join(home, 'linked.zip'))
    expect(await findBundles(home)).toEqual(['a.zip', 'b', 'c.zip'].map((name) => join(home, name)))
  })
})

describe('a verification', () => {
  const options = { trust: null, deciders: DECIDERS, code: { own: { code: '', digest: '' }, kept: async () => null } }

  test('of nothing fails, and of one path among others that holds nothing', async () => {
    expect(await verifyPaths([], options)).toEqual({ verdict: 'FAIL', runs: [] })
    expect(await verifyPaths([home], options)).toEqual({ verdict: 'FAIL', runs: [] })
    const golden = join(import.meta.dirname, '..', 'replay', 'histories', 'note-append.executed-by-votes.zip')
    const { runs } = await verifyPaths([golden, home], options)
    expect(runs.map(({ divergence }) => divergence)).toContain(
      'structure.files: there is no bundle where one was named',
    )
  })

  test.each(['history.json', 'seal.jws', 'checkpoint'])('of a folder where only %s is left fails', async (name) => {
    await mkdir(join(home, 'b'))
    await writeFile(join(home, 'b', name), '{}')
    const { verdict, runs } = await verifyPaths([home], options)
    expect([verdict, runs.length]).toEqual(['FAIL', 1])
  })

  test('of what cannot be read fails in every check, and says no path', async () => {
    await writeFile(join(home, 'broken.zip'), 'not a zip')
    const { verdict, runs } = await verifyPaths([home], options)
    expect(verdict).toBe('FAIL')
    expect(runs[0]?.divergence).toBe('structure.files: the archive cannot be unpacked')
    expect(runs[0]?.checks.every((check) => check.verdict === 'FAIL')).toBe(true)
    expect(JSON.stringify(runs)).not.toContain(home)
  })

  test('names what cannot be read by the digest of its bytes', async () => {
    await writeFile(join(home, 'a.zip'), 'not a zip')
    await writeFile(join(home, 'b.zip'), 'nor this')
    const { runs } = await verifyPaths([home], options)
    const ids = ['not a zip', 'nor this'].map((text) => `unreadable:${sha256TextHex(text).slice(0, 16)}`)
    expect(runs.map(({ operation_id }) => operation_id)).toEqual(ids.toSorted())
  })
})
