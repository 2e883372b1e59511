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
import { findBundles, readBundle, readWhole } from './read-bundle.ts'
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
  const verifier = new Verifier(options)
  try {
    return await verifier.verify(files)
  } finally {
    await verifier.close()
  }
}

/** Bundles, and folders of bundles at any depth. Nothing to verify is a failure, at one path among others too. */
export async function verifyPaths(paths: readonly string[], options: VerifyOptions): Promise<Report> {
  return (await verifyNamed(paths, options)).report
}

/** The same, and beside the report, which names no path, where each of its runs was found. */
export async function verifyNamed(
  paths: readonly string[],
  options: VerifyOptions,
): Promise<{ report: Report; pathOf: ReadonlyMap<RunReport, string> }> {
  const verifier = new Verifier(options)
  const looked: { path: string; run: Looked }[] = []
  const look = async (path: string, opened: Opened) => {
    looked.push({ path, run: await verifier.look(opened) })
  }
  try {
    const found = await Promise.all(paths.map(async (path) => ({ path, bundles: await findBundles(path) })))
    const none = { unreadable: 'there is no bundle where one was named', digest: sha256TextHex('') }
    const isAny = found.some(({ bundles }) => bundles.length > 0)
    for (const { path, bundles } of found) {
      for (const bundle of bundles) await look(bundle, await open(bundle))
      if (bundles.length === 0 && isAny) await look(path, none)
    }
  } finally {
    await verifier.close()
  }
  const forks = findForks(looked.map(({ run }) => run.claims))
  const runs = looked.map(({ run: { id, results } }, index) =>
    runReport(id, [...results, ...forks.slice(index, index + 1)]),
  )
  const pathOf = new Map(runs.map((run, index) => [run, looked[index]?.path ?? '']))
  return { report: wholeReport(runs), pathOf }
}

type Opened = { files: BundleFiles } | { unreadable: string; digest: string }

/** What is kept of a bundle once it was looked at. */
interface Looked {
  id: string
  claims: Claims
  results: CheckResult[]
}

/** Verifies one bundle after the other, over one replayer for each code there is. Must be closed. */
export class Verifier {
  readonly #trust: TrustRoot | null
  readonly #bench: ReplayBench
  readonly #checks: readonly Check[]

  constructor(options: VerifyOptions) {
    this.#trust = options.trust
    this.#bench = new ReplayBench(options)
    this.#checks = [
      ...structureChecks,
      ...this.#bench.checks,
      ...decisionChecks(options.deciders),
      ...recordChecks,
      ...causalChecks,
      ...signatureChecks,
      ...logChecks,
      ...leafChecks,
    ]
  }

  async verify(files: BundleFiles): Promise<RunReport> {
    const { id, results, claims } = await this.look({ files })
    return runReport(id, [...results, ...findForks([claims])])
  }

  async look(opened: Opened): Promise<Looked> {
    if ('unreadable' in opened) return this.#unread(opened.unreadable, opened.digest)
    const subject = new Subject(opened.files, this.#trust)
    const results = await runChecks(subject, this.#checks)
    return { id: idOf(subject), claims: claimsOf(subject), results }
  }

  /** Every check fails for the one reason there is. */
  #unread(detail: string, digest: string): Looked {
    const results = this.#checks.map(({ name }): CheckResult => ({ name, verdict: 'FAIL', detail }))
    return { id: unreadableId(digest), claims: [], results }
  }

  async close(): Promise<void> {
    await this.#bench.close()
  }
}

function idOf(subject: Subject): string {
  try {
    return subject.receipt.value.operation_id
  } catch (error) {
    if (!(error instanceof Divergence)) throw error
    const all = [...subject.files]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, bytes]) => `${name} ${sha256Hex(bytes)}\n`)
    return unreadableId(sha256TextHex(all.join('')))
  }
}

const unreadableId = (digest: string): string => `unreadable:${digest.slice(0, 16)}`

async function open(path: string): Promise<Opened> {
  try {
    return { files: await readBundle(path) }
  } catch (error) {
    if (!(error instanceof Divergence)) throw error
    return { unreadable: error.message, digest: sha256Hex(await readWhole(path)) }
  }
}
