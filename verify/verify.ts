/**
 * The verifier: takes bundles and a trust root, answers a report. Everything it believes comes from the trust root and the code
 * it was given; everything else is checked. It performs nothing, asks nobody, and reads no clock.
 */
import { sha256Hex, sha256TextHex } from '../domain/hash.ts'
import type { BundleFiles } from './bundle-shape.ts'
import { causalChecks } from './causal.ts'
import { type Check, runChecks } from './check.ts'
import { type Decider, decisionChecks } from './decisions.ts'
import { type Claims, claimsOf, findForks } from './forks.ts'
import { leafChecks } from './leaves.ts'
import { logChecks } from './log.ts'
import { findBundles, readBundle } from './read-bundle.ts'
import { recordChecks } from './record.ts'
import { ReplayBench, type ReplayOptions } from './replay.ts'
import { type CheckResult, Divergence, type Report, runReport, type RunReport, wholeReport } from './report.ts'
import { signatureChecks } from './signatures.ts'
import { structureChecks } from './structure.ts'
import { Subject } from './subject.ts'
import type { TrustRoot } from './trust-root.ts'

export interface VerifyOptions extends ReplayOptions {
  /** Null: nothing is authenticated, and the verdict is never PASS. */
  trust: TrustRoot | null
  /** The pure core of each chain version the reader has. */
  deciders: readonly Decider[]
}

/** One bundle. */
export async function verifyBundle(files: BundleFiles, options: VerifyOptions): Promise<RunReport> {
  const [report] = (await verifyAll([async () => ({ files })], options)).runs
  if (report === undefined) throw new Error('a bundle without a report')
  return report
}

/** Bundles, and folders of bundles at any depth. Nothing to verify is a failure. */
export async function verifyPaths(paths: readonly string[], options: VerifyOptions): Promise<Report> {
  const found: string[] = []
  for (const path of paths) found.push(...(await findBundles(path)))
  return await verifyAll(
    found.map((path) => async () => await open(path)),
    options,
  )
}

type Opened = { files: BundleFiles } | { unreadable: string }

/** Opens one bundle after the other and keeps of each no more than its results. */
async function verifyAll(bundles: readonly (() => Promise<Opened>)[], options: VerifyOptions): Promise<Report> {
  const bench = new ReplayBench(options)
  const checks: readonly Check[] = [
    ...structureChecks,
    ...bench.checks,
    ...decisionChecks(options.deciders),
    ...recordChecks,
    ...causalChecks,
    ...signatureChecks,
    ...logChecks,
    ...leafChecks,
  ]
  const runs: { id: string; claims: Claims; results: CheckResult[] }[] = []
  try {
    for (const openNext of bundles) {
      const opened = await openNext()
      const subject = new Subject('files' in opened ? opened.files : new Map(), options.trust)
      const results = await runChecks(subject, checks)
      if ('unreadable' in opened) Object.assign(results[0] ?? {}, { detail: opened.unreadable })
      runs.push({ id: idOf(subject), claims: claimsOf(subject), results })
    }
  } finally {
    await bench.close()
  }
  const forks = findForks(runs.map(({ claims }) => claims))
  return wholeReport(
    runs.map(({ id, results }, index) => runReport(id, [...results, ...forks.slice(index, index + 1)])),
  )
}

function idOf(subject: Subject): string {
  try {
    return subject.receipt.value.operation_id
  } catch (error) {
    if (!(error instanceof Divergence)) throw error
    const all = [...subject.files]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, bytes]) => `${name} ${sha256Hex(bytes)}\n`)
    return `unreadable:${sha256TextHex(all.join('')).slice(0, 16)}`
  }
}

async function open(path: string): Promise<Opened> {
  try {
    return { files: await readBundle(path) }
  } catch (error) {
    if (!(error instanceof Divergence)) throw error
    return { unreadable: error.message }
  }
}
