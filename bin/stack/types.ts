/**
 * The words of the embedded stack, shared by whoever starts, watches or describes it.
 *
 * Guarantees nothing by itself: it is the contract between `bin/stack` and the composition roots.
 */

export type Progress = (line: string) => void

export type RoleName = 'owner' | 'app' | 'guard' | 'control' | 'sequencer' | 'stop' | 'auditor'

export const roleNames: readonly RoleName[] = ['owner', 'app', 'guard', 'control', 'sequencer', 'stop', 'auditor']

export type PartName = 'postgres' | 's3' | 'temporal'

/** Where a part's program came from; `configured` means that somebody else runs it. */
export type Origin = 'configured' | 'path' | 'download' | 'cache' | 'wheel' | 'built'

export interface StackAddresses {
  home: string
  /** `ownerUrl` is the database owner's: migrations use it, and nothing else does. */
  postgres: { ownerUrl: string; roles: Record<RoleName, string> }
  temporal: { address: string; namespace: string; http: string | null; ui: string | null }
  s3: { endpoint: string; region: string; bucket: string; accessKeyId: string; secretAccessKey: string }
}

export interface StackPart {
  name: PartName
  pid: number | null
  address: string
  version: string
  origin: Origin
  binary: string | null
}

export interface RunningStack {
  addresses: StackAddresses
  parts(): StackPart[]
  /** Called after a part's pid changed, which is when it died and when it is back. */
  onChange(listener: () => void): void
  stop(): Promise<void>
  /** Ends the part with SIGKILL if it still runs, and resolves once it answers on the same address again. */
  restart(name: PartName): Promise<void>
}

export interface StackOptions {
  home: string
  progress: Progress
  temporalUi?: boolean
  headless?: boolean
  /** Aborting gives up a start that is under way: what was started is stopped again, and the start rejects. */
  signal?: AbortSignal
}

/** A program that may be run, and how it was come by. */
export interface Program {
  binary: string
  version: string
  origin: Origin
}

/** A failure that a person can mend: the message names the cause, `remedy` what to do. */
export class StackError extends Error {
  readonly remedy: string | null
  constructor(message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(options.remedy === undefined ? message : `${message}\n  ${options.remedy}`, { cause: options.cause })
    this.name = 'StackError'
    this.remedy = options.remedy ?? null
  }
}

/** The same where nothing failed yet: a setting, a port or a home that was named cannot be used. */
export class NotUsable extends StackError {}

export const labels: Record<PartName, string> = { postgres: 'PostgreSQL', s3: 'S3 (versitygw)', temporal: 'Temporal' }
