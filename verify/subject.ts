/**
 * One bundle under verification. Its parts are read when a check first asks for them, and a part that cannot be read fails
 * every check that needs it, with the same detail.
 */
import type { BundleFiles, LeafProof, RequiredFile } from './bundle-shape.ts'
import { leafShape, proposalShape, type ProposalClaims, receiptShape, sealShape } from './documents.ts'
import { readHistory, type ReadHistory, type StepCall, stepCalls, wasTerminated } from './history.ts'
import { type Jws, readJws } from './jws.ts'
import { Divergence, ensure } from './report.ts'
import { count, exactly, hexHash, listOf, readCanonical, readText } from './shape.ts'
import { readTold, type Told } from './told.ts'
import type { TrustRoot } from './trust-root.ts'
import type { Leaf } from '../domain/leaf.ts'
import type { Receipt, Seal } from '../domain/receipt.ts'

export interface Signed<T> {
  jws: Jws
  value: T
}

export interface EntryFile {
  seq: number
  bytes: Uint8Array
  leaf: Leaf
}

/** The three files of one log: the bundle's own, or the platform's under `system/`. */
export interface LogPart {
  /** As in the names of its files: empty, or `system/`. */
  prefix: string
  entries: ReadonlyMap<number, EntryFile>
  proofs: readonly LeafProof[]
  checkpoint: string
}

const proofsShape = listOf(exactly<LeafProof>({ seq: count, leaf_hash: hexHash, hashes: listOf(hexHash) }))

export class Subject {
  readonly files: BundleFiles
  readonly trust: TrustRoot | null
  readonly #known = new Map<string, unknown>()

  constructor(files: BundleFiles, trust: TrustRoot | null) {
    this.files = files
    this.trust = trust
  }

  file(name: RequiredFile | string): Uint8Array {
    const bytes = this.files.get(name)
    ensure(bytes !== undefined, `${name} is missing`)
    return bytes
  }

  text(name: RequiredFile | string): string {
    return readText(this.file(name), name)
  }

  get receipt(): Signed<Receipt> {
    return this.#once('receipt', () => this.#document('receipt.jws', receiptShape))
  }

  get seal(): Signed<Seal> {
    return this.#once('seal', () => this.#document('seal.jws', sealShape))
  }

  get proposal(): Signed<ProposalClaims> {
    return this.#once('proposal', () => this.#document('proposal.jws', proposalShape))
  }

  get history(): ReadHistory {
    return this.#once('history', () => readHistory(this.file('history.json')))
  }

  /** The builds that worked on the run, as its tasks name them. */
  get builds(): ReadonlySet<string> {
    return this.#once('builds', () => {
      const tasks = this.history.events.map((event) => event.workflowTaskCompletedEventAttributes)
      return new Set(tasks.flatMap((task) => task?.deploymentVersion?.buildId ?? []))
    })
  }

  /**
   * Ended by the deployment for a run that could not tell its end any more: nothing was done, or nobody knows, or what was
   * on its way when the run was terminated is what its target, or the rows of its items, told afterwards.
   */
  get endedFromOutside(): boolean {
    const { status, error_code, error_details, effect, plan } = this.receipt.value
    if (status === 'unknown' && error_details['reason'] === 'run.terminated') return true
    if (status === 'failed' && error_code === 'run.terminated') return true
    const mayOutlive = effect !== null && (effect.kind !== 'transactional' || plan.batch !== undefined)
    return mayOutlive && wasTerminated(this.history) && this.told.ends.length === 0
  }

  /** A run that lost what it did and found its operation ended has nothing to tell but that end. */
  get foundEnded(): boolean {
    return this.lostTask && this.calls.length === 1 && this.told.ends.length > 0
  }

  /** The receipt is not of this run, which was ended from outside or found its operation ended: so may be its code. */
  get madeElsewhere(): boolean {
    return this.endedFromOutside || this.foundEnded
  }

  /** The code to replay with: what the receipt names or, where it was made elsewhere, what worked on the run. */
  get codeDigest(): string {
    const [build] = this.builds
    return this.madeElsewhere && build !== undefined ? build : this.receipt.value.code.bundle
  }

  /** Whether a task of the run was lost, and with it what its steps told: they ran, and their rows stand. */
  get lostTask(): boolean {
    return this.history.events.some(
      (event) => event.workflowTaskFailedEventAttributes != null || event.workflowTaskTimedOutEventAttributes != null,
    )
  }

  /** Steps as history tells them. */
  get calls(): StepCall[] {
    return this.#once('calls', () => stepCalls(this.history.events))
  }

  get told(): Told {
    return this.#once('told', () => readTold(this.calls))
  }

  get log(): LogPart {
    return this.#once('log', () => this.#logPart(''))
  }

  get systemLog(): LogPart {
    return this.#once('system', () => this.#logPart('system/'))
  }

  get hasSystemLog(): boolean {
    return [...this.files.keys()].some((name) => name.startsWith('system/'))
  }

  #document<T>(name: RequiredFile, shape: (value: unknown, at: string) => T): Signed<T> {
    const jws = readJws(this.text(name), name)
    return { jws, value: shape(readCanonical(jws.payload, name), name) }
  }

  #logPart(prefix: string): LogPart {
    const entries = new Map<number, EntryFile>()
    const inside = `${prefix}entries/`
    for (const [name, bytes] of this.files) {
      if (!name.startsWith(inside)) continue
      const seq = Number(name.slice(inside.length, -'.json'.length))
      entries.set(seq, { seq, bytes, leaf: leafShape(readCanonical(readText(bytes, name), name), name) })
    }
    const proofs = `${prefix}proofs.json`
    return {
      prefix,
      entries,
      proofs: proofsShape(readCanonical(this.text(proofs), proofs), proofs),
      checkpoint: this.text(`${prefix}checkpoint`),
    }
  }

  /** Reads once; what could not be read stays unread with the same detail. */
  #once<T>(name: string, read: () => T): T {
    if (!this.#known.has(name)) {
      try {
        this.#known.set(name, read())
      } catch (error) {
        if (!(error instanceof Divergence)) throw error
        this.#known.set(name, error)
      }
    }
    const known = this.#known.get(name)
    if (known instanceof Divergence) throw new Divergence(known.message)
    return known as T
  }
}
