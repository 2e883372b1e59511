/**
 * What the API is handed. It owns no effect: it opens operations, writes records, reads, and asks Temporal to start or
 * wake. Stores satisfy these shapes; tests build the same from the same stores.
 */
import type { AuditPort } from './audit-port.ts'
import type { LocksPort, QuestionsPort } from './control-ports.ts'
import type { ControlRowsPort, SwitchItem } from './control-row-ports.ts'
import type { ConfigPort, PrivacyPort, TemperaturePort, UsagePort } from './measure-ports.ts'
import type { AccessToken } from '../domain/access-token.ts'
import type { Vote } from '../domain/approval.ts'
import type { Json, JsonObject } from '../domain/canonical.ts'
import type { CrashPoint } from '../domain/crash-points.ts'
import type { Represented } from '../domain/delegation.ts'
import type { LeafRow } from '../domain/leaf.ts'
import type { Status } from '../domain/lifecycle.ts'
import type { NamedPlace, PlaceKind } from '../domain/places.ts'
import type { Intent, Plan, Preview } from '../domain/plan.ts'
import type { NotesReader, Signer, VoteContext } from '../domain/ports.ts'
import type { OperationInput } from '../domain/steps.ts'
import type { Asset, AssetName, StoredObject, UploadTicket } from '../domain/stored.ts'
import type { Pass } from '../domain/verdict.ts'
import type { VoteTools } from '../domain/vote-admission.ts'

export interface Admission {
  now: string
  principal: {
    id: string
    kind: 'agent' | 'service' | 'user'
    name: string
    person_id: string | null
    platform_role: 'platform_operator' | null
    status: 'active' | 'revoked'
  } | null
  tenant_id: string | null
  memberships: { tenant_id: string; role: string; permissions: string[]; status: 'active' | 'revoked' }[]
  credential: { id: string; expires_at: string; permissions: string[] | null }
  places: { project: boolean; surface: boolean; app: boolean } | null
  rate: { limited: boolean; limit: number; retry_after: number } | null
  /** Where a ticket was asked from; null for any other credential. */
  asked_from: { tenant_id: string | null; project_id: string | null; surface_id: string; app_id: string } | null
  /** Whether what the principal does in this tenant may be learned from; null where no tenant was chosen. */
  train_ok: boolean | null
  /** Nearest first, the subject of the token last; absent where the principal calls in its own name. */
  on_behalf_of?: Represented[]
  /** What a vote of the principal's is judged by; null where none was asked for, or it may not speak in the tenant. */
  voting: { operation: OperationRow | null; context: VoteContext } | null
}

export type RateClass = 'mutation' | 'read' | 'decision'

/**
 * An API key by its id and the hash of its secret, an access token whose signature and claims were verified, or a ticket
 * for the stream that is asked for.
 */
export type AdmissionCredential =
  | { kind: 'key'; id: string; secret_sha256: string }
  | ({ kind: 'token'; id: string } & Omit<AccessToken, 'client_id' | 'token_id'>)
  | { kind: 'ticket'; secret_sha256: string; stream: string }

/** A ticket as it is kept: without its secret, and without that of the credential it was given for. */
export interface StreamTicket {
  tenant_id: string
  secret_sha256: string
  stream: string
  principal_id: string
  credential: JsonObject
  project_id: string | null
  surface_id: string
  app_id: string
  expires_at: string
}

export interface AdmissionPort {
  admit(request: {
    credential: AdmissionCredential
    tenant_id: string | null
    project_id: string | null
    surface_id: string
    app_id: string
    rate_class: RateClass | null
    /** The operation that is voted on; null where this is no vote. */
    votes_on: string | null
  }): Promise<Admission>
  returnCall(tenantId: string, principalId: string, rateClass: string): Promise<void>
  openOperation(operation: JsonObject, leafEntry: string): Promise<{ created: boolean; id: string; same: boolean }>
}

export interface OperationRow {
  ordinal: string
  id: string
  tenant_id: string
  status: Status
  intent: Intent
  plan: Plan
  intent_hash: string
  plan_hash: string
  context: JsonObject
  reason: string | null
  idempotency_key: string
  principal_kind: 'agent' | 'service' | 'user'
  person_id: string | null
  preview: Preview | null
  shown_hash: string | null
  decision_hash: string | null
  passes: Pass[]
  approval: { expires_at?: string; satisfied_by?: string | null; license_id?: string | null }
  error: JsonObject | null
  undo_of: string | null
  undone_by: string | null
  resolved_by: string | null
  run_id: string | null
  created_at: string
  updated_at: string
  claim: { kind: string; key: string; state: string; attempts: number; result: Json } | null
  votes: Vote[]
  sealed: boolean
}

export interface ReadingPort {
  operation(tenantId: string, id: string): Promise<OperationRow | null>
  operations(
    tenantId: string,
    filter: {
      status?: string | undefined
      action?: string | undefined
      project?: string | undefined
      since?: string | undefined
      before?: string | undefined
      limit: number
    },
  ): Promise<OperationRow[]>
  status(tenantId: string, id: string): Promise<Status | null>
  byKey(tenantId: string, principalId: string, key: string): Promise<{ id: string; request_hash: string } | null>
  receipt(tenantId: string, id: string): Promise<{ receipt: string; jws: string } | null>
  rawAsset(tenantId: string, id: string): Promise<Omit<Asset, 'sha256' | 'size'> | null>
  view(tenantId: string, view: JsonObject): Promise<Json>
  policy(tenantId: string): Promise<JsonObject>
  switches(tenantId: string): Promise<SwitchItem[]>
  drain(tenantId: string): Promise<JsonObject | null>
  kpiRaw(
    tenantId: string,
    surfaceId: string,
    kpi: string | null,
    before: string | null,
    limit: number,
  ): Promise<{ id: string; item: JsonObject }[]>
  operatorKeys(tenantId: string): Promise<JsonObject[]>
  places(tenantId: string, kind: PlaceKind): Promise<JsonObject[]>
  /** Those of them that are not active places of the tenant. */
  unknownPlaces(tenantId: string, named: readonly NamedPlace[]): Promise<NamedPlace[]>
  principals(tenantId: string): Promise<JsonObject[]>
  memberships(tenantId: string): Promise<JsonObject[]>
  apiKeys(tenantId: string): Promise<JsonObject[]>
  /** Whether principals, memberships and key are what they were when they were admitted: active. */
  stillMay(tenantId: string, principalIds: readonly string[], credentialId: string): Promise<boolean>
  check(): Promise<void>
  auditAlive(): Promise<boolean>
}

export interface NotesPage extends NotesReader {
  page(
    tenantId: string,
    notebook: string,
    before: string | null,
    limit: number,
  ): Promise<{ ordinal: string; note: Json }[]>
}

export interface RecordsPort {
  cancel(document: {
    tenant_id: string
    operation_id: string
    cancel: JsonObject
  }): Promise<{ cancelled: true } | { refused: 'resource.not_found' | 'operation.not_cancellable' }>
  measure(
    tenantId: string,
    measurement: { surface_id: string; kpi: string; value: string; measured_at: string; by: string },
    requestId: string,
    leaf: LeafRow,
  ): Promise<void>
  askUpload(tenantId: string, ticket: UploadTicket, requestId: string, leaf: LeafRow): Promise<void>
  giveTicket(ticket: StreamTicket, requestId: string, leaf: LeafRow): Promise<void>
  addPlace(
    tenantId: string,
    place: { kind: PlaceKind; id: string; name: string },
    requestId: string,
    leaf: LeafRow,
  ): Promise<boolean>
  endPlace(tenantId: string, place: { kind: PlaceKind; id: string }, requestId: string, leaf: LeafRow): Promise<boolean>
  revokeOperatorKey(
    tenantId: string,
    kid: string,
    onlyOf: string | null,
    requestId: string,
    leaf: LeafRow,
  ): Promise<boolean>
  /** Ends an API key, a membership, or a principal that the tenant made; `required` when it is the last owner's. */
  revoke(
    what: 'api_key' | 'membership' | 'principal',
    tenantId: string,
    id: string,
    onlyOf: string | null,
    requestId: string,
    leaf: LeafRow,
  ): Promise<'done' | 'absent' | 'required'>
  leafOnce(tenantId: string, operationId: string, requestId: string, leaf: LeafRow): Promise<boolean>
  leaf(tenantId: string, operationId: string | null, requestId: string | null, leaf: LeafRow): Promise<void>
  now(): Promise<string>
  stop(document: {
    tenant_id: string
    selectors: { kind: string; value: string | null }[]
    hold: string | null
    reason: string
    changed_by: string
    leaf_hash: string
    request_id: string
    leaves: LeafRow[]
  }): Promise<{ epoch: number }>
  drain(tenantId: string, epoch: number): Promise<JsonObject>
  checkStop(): Promise<void>
}

export interface RunsPort {
  startOperation(input: OperationInput): Promise<string | null>
  signalDecide(ref: { tenant_id: string; operation_id: string }, jws: string): Promise<boolean>
  wake(ref: { tenant_id: string; operation_id: string }): Promise<boolean>
  check(): Promise<void>
}

export interface ApiPorts {
  deployment: string
  env: string
  mode: 'lab' | 'saas' | 'enterprise'
  namespace: string
  addressLimit: number
  /** The files of the operators' pages, by name. */
  console: ReadonlyMap<string, string>
  fastPath: boolean
  admission: AdmissionPort
  tokens: {
    /** The issuers whose tokens are taken. */
    issuers: readonly string[]
    /** `claimed` is unverified, and null when the token names no issuer of ours. */
    read(
      jws: string,
    ): Promise<{ token: AccessToken } | { token: null; claimed: { issuer: string; subject: string } | null }>
  }
  reading: ReadingPort
  controls: ControlRowsPort
  notes: NotesPage
  records: RecordsPort
  usage: UsagePort
  privacy: PrivacyPort
  temperatures: TemperaturePort
  config: ConfigPort
  votes: VoteTools
  locks: LocksPort
  questions: QuestionsPort
  /** Read under role `auditor`. */
  audit: AuditPort
  runs: RunsPort
  /** Resolves when the operation ended or began to wait for people, or after the time. */
  waitForNews(tenantId: string, operationId: string, from: Status, timeoutMs: number): Promise<OperationRow | null>
  /** The size of the tenant's log once it is larger than `beyond`; null after the time, or when nobody listens any more. */
  followLog(tenantId: string, beyond: number, timeoutMs: number, gone: AbortSignal): Promise<number | null>
  seals: {
    delivered(tenantId: string, operationId: string): Promise<{ jws: string; bundle_key: string } | null>
  }
  objects: {
    get(key: string): Promise<Uint8Array | null>
    check(): Promise<void>
    objectKey(tenantId: string, name: string): string
    rawKey(tenantId: string, asset: AssetName): string
    presign(tenantId: string, asset: Asset, seconds: number): Promise<{ url: string; fields: Record<string, string> }>
    registered(tenantId: string, asset: AssetName): Promise<StoredObject | null>
  }
  readFromBundle(zip: Uint8Array, name: string): Uint8Array | null
  signers: { proposal: Signer; attest: Signer }
  /** Round trips to the database so far, by role, of this process. */
  roundTrips(): Readonly<Record<string, number>>
  /** Seals cursors and derives the keys of new members. */
  secret: string
  trust: JsonObject
  noteKey: string
  /** Named places where tests stop the process; does nothing elsewhere. */
  crashPoint(name: CrashPoint): void
  log: { error(details: object, message: string): void; info(details: object, message: string): void }
}
