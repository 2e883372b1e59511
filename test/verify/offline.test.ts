/** A verification needs no network, no clock of this time zone and no locale, and what a bundle brings along runs apart. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, readdir as readdirAsync, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { canonicalJson } from '../../domain/canonical.ts'
import { sha256Hex } from '../../domain/hash.ts'
import { packBundle } from '../../verify/bundle-shape.ts'
import { unpackBundle } from '../../verify/read-bundle.ts'
import { replayRecorded } from '../../verify/recorded-code.ts'
import type { Report } from '../../verify/report.ts'
import { readTrustRoot } from '../../verify/trust-root.ts'
import { verifyBundle, type VerifyOptions } from '../../verify/verify.ts'
import { DECIDERS } from './support/options.ts'
import { verifyGoldens } from './support/verify-goldens.ts'

const REPLAY = join(import.meta.dirname, '..', 'replay')
const PROGRAM = join(import.meta.dirname, 'support', 'verify-goldens.ts')
const APART = ['--net', '--map-root-user']
const canBeApart = spawnSync('unshare', [...APART, 'true']).status === 0

function verifyElsewhere(env: Record<string, string>, apart: boolean): string {
  const [file, ...args] = [...(apart ? ['unshare', ...APART] : []), process.execPath, PROGRAM]
  return execFileSync(file ?? '', args, {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    encoding: 'utf8',
    cwd: '/',
  })
}

describe('a verification', () => {
  let report: string
  beforeAll(() => void (report = verifyElsewhere({ TZ: 'UTC' }, false)), 60_000)

  test('says nothing but its report on standard output', { timeout: 60_000 }, async () => {
    expect(report).toBe(await verifyGoldens())
    const { verdict, runs } = JSON.parse(report) as Report
    expect(verdict).toBe('PASS')
    expect(runs.length).toBe(readdirSync(join(REPLAY, 'histories')).length)
  })

  test('gives the same bytes in another time zone, locale and directory', { timeout: 60_000 }, () => {
    expect(verifyElsewhere({ TZ: 'Asia/Kathmandu', LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8' }, false)).toBe(report)
  })

  test.runIf(canBeApart)('needs no network: it passes in an empty network namespace', { timeout: 60_000 }, () => {
    expect(verifyElsewhere({ TZ: 'UTC' }, true)).toBe(report)
  })
})

describe('code that a bundle brings along', () => {
  const golden = readFileSync(join(REPLAY, 'histories', 'note-append.executed-by-votes.zip'))
  const options: VerifyOptions = {
    trust: readTrustRoot(readFileSync(join(REPLAY, 'trust.json'))),
    deciders: DECIDERS,
    code: { own: { code: '', digest: sha256Hex(new Uint8Array()) }, kept: async () => null },
  }
  const bringing = (edit: (code: string) => string = (code) => code) => {
    const files = unpackBundle(golden)
    const [name = ''] = readdirSync(join(REPLAY, 'code')).filter((each) => each.startsWith(digestOf(files)))
    files.set('code.js', new TextEncoder().encode(edit(readFileSync(join(REPLAY, 'code', name), 'utf8'))))
    files.delete('manifest.json')
    const manifest = Object.fromEntries([...files].map(([each, data]) => [each, sha256Hex(data)]))
    return files.set('manifest.json', new TextEncoder().encode(canonicalJson(manifest)))
  }
  const checkOf = async (files: Map<string, Uint8Array>, given: VerifyOptions, name: string) =>
    (await verifyBundle(files, given)).checks.find((check) => check.name === name)

  test('is not run unless the reader asks for it', async () => {
    const code = await checkOf(bringing(), options, 'replay.code')
    expect(code).toMatchObject({ verdict: 'FAIL', detail: expect.stringContaining('no code of digest') })
  })

  test('is run apart when asked for, and the report says so', { timeout: 60_000 }, async () => {
    const report = await verifyBundle(unpackBundle(packBundle(bringing())), { ...options, runRecorded: true })
    expect(report.divergence).toBeNull()
    expect(report.checks.find(({ name }) => name === 'replay.code')?.detail).toBe(
      `RECORDED CODE: what the bundle brings was run apart, ${canBeApart ? 'without a network' : 'WITH A NETWORK, which this machine cannot take away'}; this checkout does not have it`,
    )
  })

  test('cannot write, start a process or reach a port, even when it breaks out of its sandbox', {
    timeout: 60_000,
  }, async () => {
    const home = await mkdtemp(join(tmpdir(), 'exo-recorded-'))
    const server = createServer((socket) => socket.destroy())
    let reached = 0
    server.on('connection', () => reached++)
    await new Promise<void>((go) => server.listen(0, '127.0.0.1', go))
    const { port } = server.address() as { port: number }
    const attempts = [
      `p.getBuiltinModule('fs').writeFileSync(${JSON.stringify(join(home, 'written'))}, 'x')`,
      `p.getBuiltinModule('child_process').execFileSync('touch', [${JSON.stringify(join(home, 'touched'))}])`,
      `p.getBuiltinModule('fs').readFileSync('/etc/passwd')`,
      // Beside the code: where keys and credentials lie too.
      `p.getBuiltinModule('fs').readFileSync(${JSON.stringify(join(import.meta.dirname, '..', '..', 'README.md'))})`,
      `p.getBuiltinModule('net').connect(${port}, '127.0.0.1').on('error', () => {})`,
    ].map((attempt) => `try { ${attempt}; done.push(1) } catch { done.push(0) }`)
    const escape = `{ const p = this.constructor.constructor('return process')(); const done = []; ${attempts.join(';')}
      ; if (done.slice(0, 4).includes(1)) throw new Error('escaped') };`
    const files = bringing()
    const history = files.get('history.json') ?? new Uint8Array()
    const code = new TextDecoder().decode(files.get('code.js'))
    try {
      expect((await replayRecorded(escape + code, 't_a/op_1', history)).commands.length).toBeGreaterThan(0)
      expect(await readdirAsync(home)).toEqual([])
      if (canBeApart) expect(reached).toBe(0)
    } finally {
      server.close()
      await rm(home, { recursive: true })
    }
  })

  test('is refused when it is not the code that worked on the run', async () => {
    const code = await checkOf(
      bringing((text) => `${text}\n`),
      { ...options, runRecorded: true },
      'replay.code',
    )
    expect(code).toMatchObject({ verdict: 'FAIL', detail: 'code.js is not the code that worked on the run' })
  })
})

function digestOf(files: Map<string, Uint8Array>): string {
  const [, payload = ''] = new TextDecoder().decode(files.get('receipt.jws')).split('.')
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as { code: { bundle: string } }).code.bundle
}
