import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { digestFor, downloadRelease } from '../../../bin/stack/vendor-download.ts'

let dir: string
let server: Server
let base: string
let published: Record<string, Buffer | string>

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'exo-download-'))
  writeFileSync(join(dir, 'program'), 'the program')
  execFileSync('tar', ['-czf', join(dir, 'x.tar.gz'), '-C', dir, 'program'])
  const archive = readFileSync(join(dir, 'x.tar.gz'))
  const digest = createHash('sha256').update(archive).digest('hex')
  published = { '/checksums.txt': `${digest}  x.tar.gz\n`, '/x.tar.gz': archive }
  server = createServer((request, response) => {
    const body = published[request.url ?? '']
    response.writeHead(body === undefined ? 404 : 200).end(body)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
})
afterEach(async () => {
  await new Promise((done) => server.close(done))
  rmSync(dir, { recursive: true })
})

const download = () => downloadRelease({ base, archive: 'x.tar.gz' }, join(dir, 'unpacked'))

describe("the makers' download", () => {
  it('is unpacked when it matches the published digest', async () => {
    await download()
    expect(readFileSync(join(dir, 'unpacked', 'program'), 'utf8')).toBe('the program')
  })

  it('is never unpacked when one byte differs', async () => {
    const bytes = Buffer.from(published['/x.tar.gz'] ?? '')
    bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40)
    published['/x.tar.gz'] = bytes
    await expect(download()).rejects.toThrow(/SHA-256 of x.tar.gz is/)
    expect(existsSync(join(dir, 'unpacked'))).toBe(false)
  })

  it('is not fetched without a checksum file, or with one that does not name it', async () => {
    published['/checksums.txt'] = `${'a'.repeat(64)}  other.tar.gz\n`
    await expect(download()).rejects.toThrow(/does not name x.tar.gz/)
    delete published['/checksums.txt']
    await expect(download()).rejects.toThrow(/answered 404/)
  })
})

describe("the makers' checksum file", () => {
  const digest = 'a'.repeat(64)

  it('gives the digest of exactly the named archive', () => {
    expect(digestFor(`${'b'.repeat(64)}  x.tar.gz.sig\n${digest}  x.tar.gz\n`, 'x.tar.gz')).toBe(digest)
    expect(digestFor(`${digest} *x.tar.gz\n`, 'x.tar.gz')).toBe(digest)
  })

  it('is refused when it names no digest', () => {
    expect(() => digestFor('<html>  x.tar.gz\n', 'x.tar.gz')).toThrow(/does not name/)
  })
})
