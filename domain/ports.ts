/**
 * What effects may touch, as interfaces. Stores implement them; only composition roots own any; an action that has not
 * been handed ports cannot do anything.
 */
import type { Vote } from './approval.ts'
import type { Json, JsonObject } from './canonical.ts'
import type { ErrorCode } from './errors.ts'
import type { Facts } from './facts.ts'
import type { LeafRow } from './leaf.ts'
import type { Intent, Plan } from './plan.ts'
import type { ControlSection, PolicyDocument } from './policy.ts'

export interface NotesPort {
  /** Written with the end of the operation, whose failure is then its own. */
  append(note: { id: string; notebook: string; text: string; labels: JsonObject }): void
  /** False when there was no such note. */
  remove(id: string): Promise<boolean>
  /** False when no such note was removed. */
  restore(id: string): Promise<boolean>
}

export interface NotesReader {
  list(tenantId: string, notebook: string, limit: number): Promise<Json[]>
}

export interface NewMember {
  name: string
  principal_id: string
  person_id: string | null
  existing: boolean
  kind: 'agent' | 'service' | 'user'
  role: string
  permissions: string[]
  key: { id: string; secret_sha256: string; expires_at: string } | null
  subject: IssuerSubject | null
}

/** Who somebody is at an issuer. */
export interface IssuerSubject {
  issuer: string
  subject: string
}

/** Who changed a control, through which operation. */
export interface ControlChange {
  by: string
  person_id: string
  reason: string | null
  /** Hash of the leaf that tells of the change, where a row carries it. */
  leaf_hash: string
}

export interface RowPut {
  section: ControlSection
  /** The members that name the row. */
  key: JsonObject
  was: JsonObject | null
  row: JsonObject | null
}

export interface ControlsPort {
  /** Replaces every section present; null when the version moved or a stop came since. Answers the document as it then stands. */
  putPolicy(
    base_version: number,
    /** The newest epoch of the switches when the change was asked for; null where it changes none of them. */
    epoch: number | null,
    policy: PolicyDocument,
    change: ControlChange,
  ): Promise<JsonObject | null>
  /** Sets switches running; null when one of them changed since `epochs` were read. */
  resume(
    selectors: { kind: string; value: string | null; epoch: number }[],
    hold: string | null,
    change: ControlChange,
  ): Promise<Json | null>
  /**
   * Puts one row of the document, or takes it away; null when it is not what it was. Answers what stands then: the row of
   * the document, a grant with its use, or the layers of the flags.
   */
  putRow(put: RowPut, change: ControlChange): Promise<{ row: JsonObject | null } | null>
  /** Settles or releases what an unknown outcome held; false when it was resolved before. */
  resolveUnknown(operationId: string, committed: boolean): Promise<boolean>
  /** False when the id or a subject is taken. */
  createTenant(tenant: { id: string; name: string }, members: NewMember[]): Promise<boolean>
  /** False when the subject is somebody already. */
  createPrincipal(principal: {
    id: string
    kind: 'agent' | 'service' | 'user'
    name: string
    person_id: string | null
    subject: IssuerSubject | null
  }): Promise<boolean>
  /** `gone` when the principal is active no more, `last_owner` when the tenant would have no owner after it. */
  putMembership(membership: {
    principal_id: string
    role: string
    permissions: string[]
  }): Promise<'put' | 'gone' | 'last_owner'>
  /** Null when the principal, or the key to replace, is active no more. */
  createApiKey(key: {
    id: string
    secret_sha256: string
    principal_id: string
    permissions: string[] | null
    expires_at: string
    replaces: { id: string; overlap_seconds: number } | null
  }): Promise<{ tenants: string[] | null } | null>
  /** Opts the tenant back in; null when somebody has said something since. */
  optTenantIn(by: string, was: Json): Promise<JsonObject | null>
  /** False when the key is already registered. */
  createOperatorKey(key: {
    kid: string
    principal_id: string
    public_jwk: JsonObject
    operation_id: string
  }): Promise<boolean>
  /** The lock as it then stands; null when it is no draft with this content any more, or its time is over. */
  approveLock(lock: { id: string; content_hash: string; approved_by: string | null }): Promise<JsonObject | null>
}

/** Handed to a transactional effect; everything it does commits with its claim and receipt, or not at all. */
export interface TransactionPorts {
  notes: NotesPort
  controls: ControlsPort
}

/** Handed to an observing action. */
export interface ReaderPorts {
  notes: NotesReader
}

/** What an effect may know of its operation. */
export interface EffectContext {
  tenant_id: string
  operation_id: string
  /** Database time of the guard pass. */
  now: string
  requested_by: string
  /** Principals whose yes it rests on; nobody's where a standing grant stood in. */
  approved_by: readonly string[]
  person_id: string | null
  reason: string | null
  effect_key: string
  preconditions: JsonObject
  /** Hash of the `control.changed` leaf of this operation, for rows that name the leaf they were changed by. */
  control_leaf_hash: string
}

/** A private key of one purpose. */
export interface Signer {
  readonly kid: string
  /** Compact JWS (EdDSA) over the exact text. */
  sign(typ: string, payload: string): Promise<string>
}

export type KeyPurpose = 'proposal' | 'attest' | 'receipt' | 'seal'
export type JwsRead = { kid: string; payload: string } | { failed: 'typ' | 'alg' | 'kid' | 'signature' }

/** Reads a compact JWS of this deployment's keys; a signature of one purpose never reads as another. */
export interface JwsReader {
  read(jws: string, typ: string, purpose: KeyPurpose): Promise<JwsRead>
  /** With a public key given from elsewhere: an operator's own. */
  readWith(jws: string, typ: string, kid: string, jwk: JsonObject): Promise<JwsRead>
  /** The `kid` of the header, unauthenticated, or null when there is none. */
  kidOf(jws: string): string | null
}

/** Whom a vote would come from, as rows say now. */
export interface VoterRow {
  principal_id: string
  kind: 'agent' | 'service' | 'user'
  person_id: string | null
  status: 'active' | 'revoked'
  role: string | null
  membership_permissions: string[]
  platform_role: string | null
  has_active_key: boolean
}

export interface VoteContext {
  now: string
  operation: {
    status: string
    intent_hash: string
    plan_hash: string
    shown_hash: string | null
    plan: Plan
    intent: Intent
    action: string
    /** Which grants arm it now. */
    firearms: Facts['firearms']
    context: { request_id: string; trace_id: string | null }
  } | null
  key: { kid: string; principal_id: string; public_jwk: JsonObject } | null
  voter: VoterRow | null
  /** Whether the requester and the voter let it be learned from. */
  train_ok: boolean
}

export interface VoteRows {
  /** Looks up the operation, the operator key `kid` and the principal `by`, or the key's owner when `by` is null. */
  context(tenantId: string, operationId: string, kid: string, by: string | null): Promise<VoteContext>
  /** The vote that these bytes were admitted as, if they were. */
  known(tenantId: string, operationId: string, jws: string): Promise<Vote | null>
  /** `again` asks for a newer time: another vote was admitted after this one's context was read. */
  admit(document: {
    tenant_id: string
    operation_id: string
    person_id: string
    jws_hash: string
    vote: Vote
    leaves: LeafRow[]
  }): Promise<{ vote: Vote; known: boolean } | { refused: ErrorCode; check?: string } | { again: true }>
  writeLeaf(tenantId: string, operationId: string | null, requestId: string | null, leaf: LeafRow): Promise<void>
}
