/**
 * The verifier: takes bundles and a trust root, answers a report. Everything it believes comes from the trust root and the code
 * it was given; everything else is checked. It performs nothing, asks nobody, and reads no clock.
 */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256Hex } from '../domain/hash.ts'
import type { BundleFiles } from './bundle-shape.ts'
import { causalChecks } from './causal.ts'
import { type Check, runChecks } from './check.ts'
import { type Decider, decisionChecks } from './decisions.ts'
import { findForks } from './forks.ts'
import { leafChecks } from './leaves.ts'
import { logChecks } from './log.ts'
import { isBundleFolder, readBundle } from './read-bundle.ts'
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
  const [report] = (await verifyAll([{ files }], options)).runs
  if (report === undefined) throw new Error('a bundle without a report')
  return report
}

/** Bundles, and folders of bundles at any depth. Nothing to verify is a failure. */
export async function verifyPaths(paths: readonly string[], options: VerifyOptions): Promise<Report> {
  const found: Found[] = []
  for (const path of paths) for (const bundle of await bundlesAt(path)) found.push(await open(bundle))
  return await verifyAll(found, options)
}

type Found = { files: BundleFiles } | { unreadable: string; id: string }

async function verifyAll(found: readonly Found[], options: VerifyOptions): Promise<Report> {
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
  const runs: { id: string; subject: Subject; results: CheckResult[] }[] = []
  try {
    for (const each of found) {
      const subject = new Subject('files' in each ? each.files : new Map(), options.trust)
      const results = await runChecks(subject, checks)
      if ('unreadable' in each) Object.assign(results[0] ?? {}, { detail: each.unreadable })
      runs.push({ id: 'id' in each ? each.id : idOf(subject), subject, results })
    }
  } finally {
    await bench.close()
  }
  const forks = findForks(runs.map(({ subject }) => subject))
  return wholeReport(runs.map(({ id, subject, results }) => runReport(id, [...results, forks(subject)])))
}

function idOf(subject: Subject): string {
  try {
    return subject.receipt.value.operation_id
  } catch (error) {
    if (!(error instanceof Divergence)) throw error
    const all = [...subject.files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, bytes]) => `${name} ${sha256Hex(bytes)}\n`)
    return unreadableId(new TextEncoder().encode(all.join('')))
  }
}

const unreadableId = (bytes: Uint8Array) => `unreadable:${sha256Hex(bytes).slice(0, 16)}`

async function open(path: string): Promise<Found> {
  try {
    return { files: await readBundle(path) }
  } catch (error) {
    if (!(error instanceof Divergence)) throw error
    return { unreadable: error.message, id: unreadableId(new TextEncoder().encode(error.message)) }
  }
}

/** Zips and bundle folders under a path, in the order of their names. Other files are passed over; links are not followed. */
async function bundlesAt(path: string): Promise<string[]> {
  const info = await lstat(path)
  if (!info.isDirectory()) return [path]
  if (await isBundleFolder(path)) return [path]
  const found: string[] = []
  const inside = await readdir(path, { withFileTypes: true })
  for (const entry of inside.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const child = join(path, entry.name)
    if (entry.isDirectory()) found.push(...(await bundlesAt(child)))
    else if (entry.isFile() && entry.name.endsWith('.zip')) found.push(child)
  }
  return found
}
