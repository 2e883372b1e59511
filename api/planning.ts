/**
 * From a request to an intent and a plan: validates the input by the action's own schema, asks the action what must
 * hold, and fixes everything that will govern the run. Nothing is written here.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto'
import type { z } from 'zod'
import { parseWith } from './body.ts'
import { namesOf } from './delegation.ts'
import { refuseUnknownPlaces } from './places.ts'
import type { ApiPorts } from './ports.ts'
import type { Caller, RequestContext } from './request.ts'
import type { operationRequest } from './schemas.ts'
import { itemsOf, takesSeveral } from '../actions/batch.ts'
import type { EffectfulAction, PlanAddition } from '../actions/define.ts'
import { ACTIONS, type RegisteredAction } from '../actions/registry.ts'
import { type ApprovalTree, quorumTree, seatsNeeded, usualQuorum } from '../domain/approval.ts'
import { canonicalJson, type JsonObject } from '../domain/canonical.ts'
import { ExoError } from '../domain/errors.ts'
import { CHAIN_VERSION } from '../domain/gates/chain.ts'
import { sha256TextHex } from '../domain/hash.ts'
import { LIMITS } from '../domain/limits.ts'
import { fromMicros, toMicros } from '../domain/money.ts'
import { bindingHash } from '../domain/three-wise.ts'
import { intentHash, planHash, type Intent, type Plan } from '../domain/plan.ts'
import { beginning } from '../domain/text.ts'

type Body = z.output<typeof operationRequest>
export type OperationRequest = Omit<Body, 'input' | 'inputs'> &
  ({ input: JsonObject; inputs?: undefined } | { input?: undefined; inputs: JsonObject[] })

export interface Planned {
  intent: Intent
  plan: Plan
  intent_hash: string
  plan_hash: string
}

/** The action of this name, or `action.unknown`. */
export function findAction(name: string): RegisteredAction {
  const action = ACTIONS.get(name)
  if (action === undefined) throw new ExoError('action.unknown', undefined, { action: beginning(name, 200) })
  return action
}

/** The body as the action sees it, and what an idempotency key is compared by. */
export function readInput(
  action: RegisteredAction,
  request: OperationRequest,
): { input: JsonObject; hash(context: RequestContext, on_behalf_of: readonly string[] | null): string } {
  const several = request.inputs !== undefined
  const path = several ? '/inputs' : '/input'
  const invalid = (message: string) => new ExoError('validation.error', undefined, { errors: [{ path, message }] })
  if (several && !('effect' in action && takesSeveral(action))) throw invalid('this action takes one input')
  if (Buffer.byteLength(canonicalJson(request.inputs ?? request.input)) > LIMITS.inputBytes)
    throw invalid(`larger than ${LIMITS.inputBytes} bytes`)
  const input = several
    ? { items: request.inputs.map((each, index) => parseWith(action.input, each, `${path}/${index}`) as JsonObject) }
    : (parseWith(action.input, request.input, path) as JsonObject)
  const hasTarget = 'target' in action && action.target !== undefined
  if ((request.target !== undefined) !== hasTarget)
    throw new ExoError('validation.error', undefined, {
      errors: [{ path: '/target', message: hasTarget ? 'a target is due' : 'this action has no target' }],
    })
  return {
    input,
    hash: ({ mode, project_id, surface_id, app_id }, on_behalf_of) => {
      const names = on_behalf_of === null ? {} : { on_behalf_of: [...on_behalf_of] }
      const asked = { ...withoutUndefined(request), input, mode, project_id, surface_id, app_id, ...names }
      return sha256TextHex(canonicalJson(asked))
    },
  }
}

/** The input of an observing action, or 400. */
export function parseObserved(action: RegisteredAction, request: OperationRequest): unknown {
  return parseWith(action.input, request.input, '/input')
}

export async function planOperation(
  ports: ApiPorts,
  caller: Caller,
  context: RequestContext,
  action: EffectfulAction<unknown>,
  request: OperationRequest,
  input: JsonObject,
  idempotencyKey: string,
): Promise<Planned> {
  const operation_id = `op_${randomBytes(16).toString('hex')}`
  const target = request.target ?? null
  const view = viewFor(action, caller.tenant_id, target, input, request)
  await refuseUnknownPlaces(ports, caller.tenant_id, action.places?.(input) ?? [])
  const addition = action.plan?.(input, {
    tenant_id: caller.tenant_id,
    operation_id,
    target,
    principal_id: caller.principal.id,
    person_id: caller.principal.person_id,
    mode: ports.mode,
    now: caller.now,
    issuers: ports.tokens.issuers,
    permissions: caller.permissions,
    holds: holdsOf(caller),
    view: view === null ? null : await ports.reading.view(caller.tenant_id, view),
    describeAction: (name) => {
      const found = ACTIONS.get(name)
      return found === undefined
        ? null
        : {
            standing: 'standing' in found && found.standing,
            governs: found.governs === true,
            quorum: usualQuorum(found.class),
          }
    },
    deriveKey: (name) => {
      const { id, secret } = deriveApiKey(ports.secret, operation_id, name)
      return { id, secret_sha256: createHash('sha256').update(secret).digest('hex') }
    },
  })
  const missing = (addition?.required ?? []).filter((permission) => !caller.permissions.includes(permission))
  if (missing.length > 0) throw new ExoError('auth.insufficient_role', undefined, { required: missing })

  const intent: Intent = {
    v: 1,
    deployment: ports.deployment,
    env: ports.env,
    tenant_id: caller.tenant_id,
    operation_id,
    run: request.run,
    mode: context.mode,
    project_id: context.project_id,
    surface_id: context.surface_id,
    app_id: context.app_id,
    principal_id: caller.principal.id,
    on_behalf_of: namesOf(caller),
    action: action.name,
    action_version: action.version,
    class: action.class,
    target: addition?.target ?? target,
    preconditions: addition?.preconditions ?? {},
    input,
    estimated_cost: costOf(request),
    idempotency_key: idempotencyKey,
  }
  const plan = makePlan(ports, caller, action, request, intent, view, addition)
  return { intent, plan, intent_hash: intentHash(intent), plan_hash: planHash(plan) }
}

function viewFor(
  action: EffectfulAction<unknown>,
  tenantId: string,
  target: string | null,
  input: JsonObject,
  { inputs }: OperationRequest,
): JsonObject | null {
  const { view } = action
  if (view === undefined) return null
  if (inputs === undefined) return view(input, tenantId, target)
  return { kind: 'batch', views: itemsOf(input).map((item) => view(item, tenantId, target)) }
}

/** An estimate is of one input; the operation's is of all of them. */
function costOf({ estimated_cost = '0', inputs }: OperationRequest): string {
  if (inputs === undefined) return estimated_cost
  const cost = fromMicros((toMicros(estimated_cost) ?? 0n) * BigInt(inputs.length))
  if (cost === null)
    throw new ExoError('validation.error', undefined, {
      errors: [{ path: '/estimated_cost', message: 'too much for so many inputs' }],
    })
  return cost
}

function holdsOf({ principal, memberships, tenant_id }: Caller): ('owner' | 'platform')[] {
  if (principal.platform_role !== null) return ['platform']
  return memberships.some((row) => row.tenant_id === tenant_id && row.role === 'owner') ? ['owner'] : []
}

function makePlan(
  ports: ApiPorts,
  caller: Caller,
  action: EffectfulAction<unknown>,
  request: OperationRequest,
  intent: Intent,
  view: JsonObject | null,
  addition: PlanAddition | undefined,
): Plan {
  const least =
    addition?.tree === undefined ? (addition?.quorum ?? usualQuorum(action.class)) : seatsNeeded(addition.tree)
  const quorum = request.approval?.quorum ?? least
  if (quorum < least)
    throw new ExoError('validation.error', undefined, {
      errors: [{ path: '/approval/quorum', message: `at least ${least} for this action` }],
    })
  const governs = action.governs === true
  const delegated = intent.on_behalf_of !== null
  if (governs && delegated) throw new ExoError('auth.insufficient_role', undefined, { required: [], delegated })
  const several = request.inputs !== undefined
  const strict = ports.mode !== 'lab' && (governs || action.class === 'irreversible')
  return {
    v: 1,
    chain_version: CHAIN_VERSION,
    action: action.name,
    action_version: action.version,
    class: action.class,
    governs,
    effect_kind: addition?.kind ?? action.effect.kind,
    reversible: action.undo !== undefined,
    fast_path:
      ports.fastPath &&
      action.effect.kind === 'transactional' &&
      !several &&
      action.standing &&
      !governs &&
      !delegated &&
      request.run === 'execute',
    // A grant's limits count operations, so that people are asked for several inputs. It is spent by whom it was given to.
    standing: action.standing && !governs && !several && !delegated,
    provider: addition?.provider ?? null,
    effect_key: sha256TextHex(
      canonicalJson(['effect', intent.deployment, intent.env, intent.tenant_id, intent.operation_id, action.name]),
    ),
    effect_timeout_ms: LIMITS.effectTimeoutMs,
    lease_ms: LIMITS.leaseMs,
    view,
    ...(request.inputs === undefined
      ? {}
      : { batch: { items: request.inputs.length, unit_cost: request.estimated_cost ?? '0' } }),
    binding_hash: bindingHash({ action: action.name, target: intent.target, input: intent.input }),
    approval: {
      required: request.run === 'execute',
      quorum,
      tree: raise(addition?.tree ?? quorumTree(least), least, quorum),
      expires_in_seconds: request.approval?.expires_in ?? LIMITS.approvalExpiresSeconds.default,
      assurance: strict ? 'self_signed' : 'attested',
      excluded_persons: excludedPersons(caller, addition),
    },
  }
}

function excludedPersons({ principal, on_behalf_of }: Caller, addition: PlanAddition | undefined): string[] {
  const own = [principal, ...on_behalf_of].flatMap(({ person_id }) => (person_id === null ? [] : [person_id]))
  return [...new Set([...own, ...(addition?.excluded ?? [])])].sort()
}

/** A caller may ask for more people than the action does: as many more of the plain seat. */
function raise(tree: ApprovalTree, least: number, quorum: number): ApprovalTree {
  if (quorum === least) return tree
  if ('permission' in tree) return { of: Array.from({ length: quorum }, () => tree), n: quorum }
  return { all: [tree, quorumTree(quorum - least)] }
}

/** The API key of a new member, derived so that it need not be stored to be shown once. */
export function deriveApiKey(secret: string, operationId: string, name: string): { id: string; secret: string } {
  const derive = (part: string) =>
    createHmac('sha256', secret)
      .update(JSON.stringify(['api key', operationId, name, part]))
      .digest()
  return { id: derive('id').toString('hex').slice(0, 18), secret: derive('secret').toString('base64url') }
}

function withoutUndefined(request: OperationRequest): JsonObject {
  return JSON.parse(JSON.stringify(request)) as JsonObject
}
