/** Golden histories: one of each outcome class, verified for ever, each with damaged twins that must fail. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { unzipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifierOptions } from '../../bin/verifier.ts'
import { canonicalJson } from '../../domain/canonical.ts'
import { sha256Hex } from '../../domain/hash.ts'
import { Verifier, verifyPaths, type VerifyOptions } from '../../verify/verify.ts'

const SPINE = [
  'executed-by-votes',
  'executed-by-standing-grant',
  'proposed',
  'denied',
  'expired',
  'cancelled',
  'failed',
  'blocked-in-guard',
  ...['kill-switch', 'firearms', 'strategy-lock', 'three-wise', 'budget', 'kpi', 'temperature', 'audit'].map(
    (gate) => `blocked-by-${gate}`,
  ),
]

const OUTSIDE = ['executed-at-once', 'executed', 'executed-under-a-key', 'failed', 'unknown']

const LAST_VOTE = ['executed', 'executed-by-the-second', 'executed-outside', 'denied', 'blocked']

/** Each set is of one deployment, whose keys its trust root names. */
const SETS = [
  { set: 'the spine', dir: import.meta.dirname, classes: SPINE },
  { set: 'effects outside', dir: join(import.meta.dirname, 'outside'), classes: OUTSIDE },
  { set: 'a last vote', dir: join(import.meta.dirname, 'last-vote'), classes: LAST_VOTE },
]

describe.each(SETS)('the golden histories of $set', ({ dir, classes }) => {
  const histories = join(dir, 'histories')
  const trust = readFileSync(join(dir, 'trust.json'))
  const stories = readdirSync(histories).sort()
  const filesOf = (story: string) => new Map(Object.entries(unzipSync(readFileSync(join(histories, story)))))

  let options: VerifyOptions
  let verifier: Verifier
  beforeAll(async () => {
    options = await verifierOptions(trust)
    verifier = new Verifier(options)
  }, 60_000)
  afterAll(async () => await verifier.close())

  it.each(classes)('hold one that is %s', (outcome) => {
    expect(stories.some((story) => story.endsWith(`.${outcome}.zip`))).toBe(true)
  })

  it('all pass, and the report is the same bytes whatever the order', async () => {
    const paths = stories.map((story) => join(histories, story))
    const forwards = await verifyPaths(paths, options)
    const backwards = await verifyPaths([...paths].reverse(), options)
    expect(forwards.runs.filter((run) => run.verdict !== 'PASS')).toEqual([])
    expect(forwards.verdict).toBe('PASS')
    expect(JSON.stringify(backwards)).toBe(JSON.stringify(forwards))
  }, 60_000)

  it('are UNTRUSTED without a trust root, never a pass', async () => {
    const report = await verifyPaths([histories], await verifierOptions(null))
    expect(report.verdict).toBe('UNTRUSTED')
    expect(report.runs.some((run) => run.verdict === 'PASS')).toBe(false)
  }, 60_000)

  it('fail where there is nothing to verify', async () => {
    expect((await verifyPaths([join(import.meta.dirname, 'code')], options)).verdict).toBe('FAIL')
  })

  it.each(stories)(
    'a damaged twin of %s is caught, whichever file one byte of was changed',
    async (story) => {
      const files = filesOf(story)
      const missed: string[] = []
      for (const [name, bytes] of files) {
        const damaged = Uint8Array.from(bytes)
        const at = Math.floor(bytes.length / 3)
        damaged[at] = (damaged[at] ?? 0) ^ 1
        const twin = mended(new Map(files).set(name, damaged), name)
        if ((await verifier.verify(twin)).verdict === 'PASS') missed.push(name)
      }
      expect(missed).toEqual([])
    },
    60_000,
  )

  it.each(stories)(
    'a twin of %s is caught when a file is left out',
    async (story) => {
      const files = filesOf(story)
      const missed: string[] = []
      for (const name of files.keys()) {
        const twin = new Map(files)
        twin.delete(name)
        if ((await verifier.verify(mended(twin, name))).verdict === 'PASS') missed.push(name)
      }
      expect(missed).toEqual([])
    },
    60_000,
  )
})

/** The manifest made to agree again, so that something deeper has to notice. */
function mended(files: Map<string, Uint8Array>, changed: string): Map<string, Uint8Array> {
  if (changed === 'manifest.json') return files
  const listed = [...files].filter(([name]) => name !== 'manifest.json').map(([name, body]) => [name, sha256Hex(body)])
  return files.set('manifest.json', new TextEncoder().encode(canonicalJson(Object.fromEntries(listed))))
}
