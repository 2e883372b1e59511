/**
 * Step 2: Temporal's replay with the code that worked on the run, and the strict comparison of every command. Which code that may
 * be is the reader's decision: their own checkout's, one the checkout keeps, or, only when asked for, what the bundle brings.
 */
import { RECORDED_CODE } from './bundle-shape.ts'
import type { Check } from './check.ts'
import { type CodeSource, codeDigest } from './code-source.ts'
import { compareCommands } from './commands.ts'
import { hasNoNetwork, replayRecorded } from './recorded-code.ts'
import { type Replayed, Replayer } from './replayer.ts'
import { Divergence, ensure } from './report.ts'
import { readText } from './shape.ts'
import type { Subject } from './subject.ts'

export interface ReplayOptions {
  code: CodeSource
  /** Run the code a bundle brings along, apart, when the reader has none of that digest. */
  runRecorded?: boolean
}

/** One replayer per digest, shared by all bundles of a verification. */
export class ReplayBench {
  readonly #options: ReplayOptions
  readonly #ownAgrees: boolean
  readonly #replayers = new Map<string, Replayer>()
  readonly #outcomes = new WeakMap<Subject, Promise<Replayed>>()

  constructor(options: ReplayOptions) {
    this.#options = options
    this.#ownAgrees = codeDigest(options.code.own.code) === options.code.own.digest
  }

  get checks(): readonly Check[] {
    return [
      { name: 'replay.code', run: (subject) => this.#code(subject) },
      { name: 'replay.temporal', run: (subject) => this.#temporal(subject) },
      { name: 'replay.commands', run: (subject) => this.#commands(subject) },
    ]
  }

  async close(): Promise<void> {
    for (const replayer of this.#replayers.values()) await replayer.close()
  }

  async #code(subject: Subject): Promise<string> {
    const { digest, detail } = await this.#find(subject)
    const { bundle } = subject.receipt.value.code
    return bundle === digest ? detail : `${detail}; the receipt was made elsewhere, by ${bundle}`
  }

  async #temporal(subject: Subject): Promise<string> {
    const { refusal } = await this.#outcome(subject)
    ensure(refusal === null, `Temporal refuses the history: ${refusal}`)
    return 'the code takes the same way'
  }

  async #commands(subject: Subject): Promise<string> {
    const { refusal, commands } = await this.#outcome(subject)
    ensure(refusal === null, 'Temporal refuses the history')
    return `${compareCommands(subject.history, commands)} commands, byte for byte`
  }

  async #outcome(subject: Subject): Promise<Replayed> {
    const known = this.#outcomes.get(subject) ?? this.#replay(subject)
    this.#outcomes.set(subject, known)
    return await known
  }

  async #replay(subject: Subject): Promise<Replayed> {
    const { code, digest, apart } = await this.#find(subject)
    const { proto, events } = subject.history
    const workflowId = events[0]?.workflowExecutionStartedEventAttributes?.workflowId
    ensure(workflowId != null && events.at(-1)?.eventTime != null, 'history.json holds no run')
    if (apart) return await replayRecorded(code, workflowId, subject.file('history.json'))
    const replayer = this.#replayers.get(digest) ?? new Replayer(code)
    this.#replayers.set(digest, replayer)
    try {
      return await replayer.replay(workflowId, proto)
    } catch (error) {
      this.#replayers.delete(digest)
      throw new Divergence(`the replay did not finish (${error instanceof Error ? error.name : 'no error'})`)
    }
  }

  async #find(subject: Subject): Promise<{ code: string; digest: string; apart: boolean; detail: string }> {
    const digest = subject.codeDigest
    const { code, runRecorded } = this.#options
    const brought = subject.files.get(RECORDED_CODE)
    const genuine = brought === undefined || codeDigest(brought) === digest
    ensure(genuine, `${RECORDED_CODE} is not the code that worked on the run`)
    ensure(this.#ownAgrees, 'the code of this checkout has another digest than it says')
    if (code.own.digest === digest)
      return { code: code.own.code, digest, apart: false, detail: 'built from this checkout' }
    const kept = await code.kept(digest)
    if (kept !== null) return { code: kept, digest, apart: false, detail: 'kept by this checkout under its digest' }
    if (runRecorded === true && brought !== undefined) {
      const how = hasNoNetwork() ? 'without a network' : 'WITH A NETWORK, which this machine cannot take away'
      const detail = `RECORDED CODE: what the bundle brings was run apart, ${how}; this checkout does not have it`
      return { code: readText(brought, RECORDED_CODE), digest, apart: true, detail }
    }
    throw new Divergence(`this checkout has no code of digest ${digest}`)
  }
}
