/**
 * Bundles of every way an operation can end, made by real runs on a real server: each verifies, and every tampered twin of one is
 * noticed by the check that is there for it. The score is printed.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { canonicalJson } from '../../domain/canonical.ts'
import { packBundle } from '../../verify/bundle-shape.ts'
import { unpackBundle } from '../../verify/read-bundle.ts'
import type { RunReport } from '../../verify/report.ts'
import { Subject } from '../../verify/subject.ts'
import { Verifier, verifyBundle, verifyPaths, type VerifyOptions } from '../../verify/verify.ts'
import { DEPLOYMENT } from './support/deployment.ts'
import { MemoryLog } from './support/memory-log.ts'
import { optionsFor, trustOf } from './support/options.ts'
import { BLOCKING, type Evidence, makeEvidence } from './support/scenarios.ts'
import { TWINS } from './support/twins/index.ts'
import { Kit } from './support/twins/kit.ts'
import { setPlaces } from './support/twins/places.ts'

let evidence: Evidence
let options: VerifyOptions
let folder: string

beforeAll(async () => {
  evidence = await makeEvidence()
  options = optionsFor(evidence.deployment)
  folder = await mkdtemp(join(tmpdir(), 'exo-verify-'))
  for (const [name, zip] of evidence.bundles) await writeFile(join(folder, `${name.replaceAll(' ', '-')}.zip`), zip)
}, 60_000)
afterAll(async () => {
  await evidence?.deployment.close()
  if (folder !== undefined) await rm(folder, { recursive: true })
})

const bundle = (name: string) => unpackBundle(evidence.bundles.get(name) ?? new Uint8Array())
const kit = (name: string) =>
  new Kit(evidence.deployment, evidence.bundles.get(name) ?? new Uint8Array(), evidence.bundles)
const failing = ({ checks }: RunReport) => checks.filter(({ verdict }) => verdict === 'FAIL').map(({ name }) => name)
const trusting = (places: Record<string, unknown>): VerifyOptions => {
  const trust = structuredClone(evidence.deployment.trust)
  setPlaces(trust, places)
  return { ...options, trust: trustOf(trust) }
}

describe('genuine bundles', () => {
  test('pass, of every way an operation can end', { timeout: 60_000 }, async () => {
    const verifier = new Verifier(options)
    for (const [name, zip] of evidence.bundles)
      expect([name, (await verifier.verify(unpackBundle(zip))).divergence]).toEqual([name, null])
    await verifier.close()
    const ways = [...evidence.bundles.keys()]
    for (const gate of Object.keys(BLOCKING)) expect(ways).toContain(`blocked by ${gate}`)
  })

  test.each(['blocked as its version is gone', 'blocked in the guard as its version is gone'])(
    'tell that an operation was %s, by a code and no gate',
    (name) => {
      const { receipt } = new Subject(bundle(name), null)
      expect(receipt.value).toMatchObject({ status: 'blocked', error_code: 'action.version_unavailable', effect: null })
      expect(receipt.value.passes.flatMap(({ verdicts }) => verdicts).filter((each) => each.code !== null)).toEqual([])
    },
  )

  test('tell that a vote was lost to the grant its voter issued, and the operation with it', () => {
    for (const name of ['failed as the one who voted armed it', 'failed in the guard as the one who voted armed it'])
      expect(new Subject(bundle(name), null).receipt.value).toMatchObject({
        status: 'failed',
        error_code: 'effect.precondition_failed',
        error_details: { changed: 'votes' },
        voters: [{ person_id: 'person_ann' }],
      })
  })

  test('show one step after a vote that had its row, and a try before one that had none', () => {
    const steps = (name: string) => new Subject(bundle(name), null).calls.map(({ step }) => step)
    expect(steps('executed by a vote that has its row')).toEqual(['readPass', 'markPending', 'resumeAndGuard'])
    expect(steps('executed by one vote')).toEqual([
      'readPass',
      'markPending',
      'resumeAndGuard',
      'admitVote',
      'resumeAndGuard',
    ])
    expect(steps('denied')).toEqual(['readPass', 'markPending', 'admitVote', 'endOperation'])
  })

  test('pass when the SDK was upgraded while they waited, and the receipt names the later one', async () => {
    const upgraded = await kit('executed by one vote')
      .history((events) => {
        const tasks = events.filter((event) => 'workflowTaskCompletedEventAttributes' in event)
        setPlaces(tasks[0], { 'workflowTaskCompletedEventAttributes.sdkMetadata.sdkVersion': '1.23.0' })
        setPlaces(tasks.at(-1), {
          'workflowTaskCompletedEventAttributes.sdkMetadata.sdkName': 'temporal-typescript',
          'workflowTaskCompletedEventAttributes.sdkMetadata.sdkVersion': '1.24.0',
        })
      })
      .reseal()
    expect((await verifyBundle(upgraded.files, options)).divergence).toBeNull()
  })

  test('give the same report, byte for byte, in any order and from run to run', { timeout: 60_000 }, async () => {
    const files = [...evidence.bundles.keys()].map((name) => join(folder, `${name.replaceAll(' ', '-')}.zip`))
    const report = await verifyPaths([folder], options)
    expect(report.verdict).toBe('PASS')
    expect(canonicalJson(await verifyPaths(files.toReversed(), options))).toBe(canonicalJson(report))
    expect(canonicalJson(report)).not.toContain(folder)
    expect(report.runs.map(({ operation_id }) => operation_id)).toEqual(
      report.runs.map(({ operation_id }) => operation_id).sort(),
    )
  })

  test('are UNTRUSTED without a trust root, and never pass', { timeout: 60_000 }, async () => {
    const report = await verifyPaths([folder], { ...options, trust: null })
    expect(report.verdict).toBe('UNTRUSTED')
    for (const run of report.runs) {
      expect(run.verdict).toBe('UNTRUSTED')
      expect(failing(run)).toEqual([])
      const unknown = run.checks.filter(({ verdict }) => verdict === 'UNTRUSTED').map(({ name }) => name)
      expect(unknown).toEqual(
        expect.arrayContaining(['signatures.receipt', 'signatures.seal', 'signatures.proposal', 'log.checkpoint']),
      )
    }
  })
})

describe('tampered twins', () => {
  test('are noticed, every one of them, by the check that is there for it', { timeout: 120_000 }, async () => {
    const verifier = new Verifier(options)
    const missed: string[] = []
    for (const twin of TWINS) {
      const made = kit(twin.from)
      await twin.make(made)
      const report = await verifier.verify(made.files)
      if (report.verdict !== 'FAIL' || !failing(report).includes(twin.noticed))
        missed.push(`${twin.from}: ${twin.name}: ${report.verdict}, ${report.divergence}, not ${twin.noticed}`)
    }
    await verifier.close()
    console.info(`tampered twins: ${TWINS.length - missed.length} of ${TWINS.length} noticed`)
    expect(missed).toEqual([])
  })

  test('fail without a trust root as well, where no signature is needed to see it', async () => {
    const made = await kit('executed by votes').rereceipt((receipt) => setPlaces(receipt, { 'effect.attempts': 2 }))
    expect(await verifyBundle(made.files, { ...options, trust: null })).toMatchObject({ verdict: 'FAIL' })
  })
})

describe('two bundles that each pass', () => {
  test('fail together when they tell of two trees of one size', async () => {
    const paths = [join(folder, 'fork-a.zip'), join(folder, 'fork-b.zip')]
    const first = await kit('denied').relog(() => undefined)
    const second = await kit('denied').relog((leaves) =>
      leaves.forEach((leaf) => setPlaces(leaf, { trace_id: 'f'.repeat(32) })),
    )
    await writeFile(paths[0] ?? '', packBundle(first.files))
    await writeFile(paths[1] ?? '', packBundle(second.files))
    try {
      const report = await verifyPaths(paths, options)
      expect(report.verdict).toBe('FAIL')
      for (const run of report.runs) expect(failing(run)).toEqual(['log.fork'])
    } finally {
      for (const path of paths) await rm(path)
    }
  })
})

describe('a trust root', () => {
  const one = 'executed by votes'
  test.each([
    ['of another deployment', 'signatures.deployment', { deployment: 'dep_other', 'log.origin_prefix': 'dep_other/' }],
    [
      'with another receipt key',
      'signatures.receipt',
      { 'keys[2].jwk.x': '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
    ],
    ['without this seal key', 'signatures.seal', { 'keys[3].kid': 'seal-other' }],
    ['whose attest key had run out', 'signatures.votes', { 'keys[1].not_after': '2026-01-02T00:00:00Z' }],
    ['whose proposal key was not valid yet', 'signatures.proposal', { 'keys[0].not_before': '2090-01-01T00:00:00Z' }],
    ['whose seal key had run out', 'signatures.seal', { 'keys[3].not_after': '2026-01-02T00:00:00Z' }],
  ])('%s is noticed by %s', async (_what, noticed, places) => {
    expect(failing(await verifyBundle(bundle(one), trusting(places)))).toContain(noticed)
  })

  test('with the key of another log of that name is noticed by log.checkpoint', async () => {
    const places = { 'log.note_key': new MemoryLog(DEPLOYMENT, new Uint8Array(32).fill(7)).verifierKey }
    expect(failing(await verifyBundle(bundle(one), trusting(places)))).toEqual(['log.checkpoint'])
  })
})
