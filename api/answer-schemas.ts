/**
 * The shapes of what the API answers, for its document: SHAPES as schemas. They describe and validate nothing; that the
 * answers keep to them is what `npm run test:api-fuzz` looks at.
 */
import { z } from '@hono/zod-openapi'
import { decimal, hash, instant, kind, maybe, maybeInstant, scope, state, text, texts } from './answer-words.ts'
import { resource } from './schemas.ts'
import { LEAF_KINDS } from '../domain/leaf.ts'
import { LOCK_STATUSES } from '../domain/lock-lifecycle.ts'

/** A page of a list; the cursor of the last page is null. */
export const page = (item: z.ZodType) => z.object({ items: z.array(item), next_cursor: maybe })

const drained = z.object({ epoch: z.int(), state: z.enum(['requested', 'drained']), operations: z.array(resource) })
export const drain = drained.extend({ scope, requested_at: instant, drained_at: maybeInstant }).openapi('Drain')
export const switches = z
  .object({
    switches: z.array(
      z.object({
        scope,
        tenant_id: maybe,
        selector: z.object({ kind: z.enum(['all', 'action', 'provider', 'class']), value: maybe }),
        state,
        hold: z.enum(['owner', 'platform']).nullable(),
        epoch: z.int(),
        reason: maybe,
        changed_by: text,
        changed_at: instant,
      }),
    ),
    effective: z.object({ state, scope: scope.nullable(), reason: maybe }),
  })
  .openapi('Switches')

export const measurement = z.object({
  surface_id: text,
  kpi: text,
  value: decimal,
  measured_at: instant,
  measured_by: text,
})
export const usage = z
  .object({
    id: maybe,
    source: text,
    operation_id: maybe,
    action: text,
    principal_id: text,
    surface_id: maybe,
    cost: decimal,
    currency: z.literal('USD'),
    state: z.enum(['settled', 'reserved', 'released']),
    at: instant,
  })
  .openapi('Usage')
export const summary = z.object({
  currency: z.literal('USD'),
  window_days: z.int(),
  settled: decimal,
  reserved: decimal,
})

export const lock = z
  .object({
    id: text,
    status: z.enum(LOCK_STATUSES),
    version: z.int(),
    title: text,
    allowed_actions: texts,
    surface_id: text,
    project_id: maybe,
    valid_from: instant,
    valid_until: instant,
    three_wise_id: maybe,
    content_hash: hash,
    created_by: text,
    approved_by: maybe,
    created_at: instant,
    updated_at: instant,
  })
  .openapi('StrategyLock')
export const question = z
  .object({
    id: text,
    question: text,
    status: text,
    verdict: z.enum(['APPROVE', 'REJECT', 'UNSURE']),
    binds: resource,
    binding_hash: hash,
    asked_by: text,
    asked_at: instant,
    expires_at: instant,
    opinions: z.array(z.object({ by: text, kind, verdict: text, reason: text, at: instant })),
  })
  .openapi('Question')

const said = z.object({ opt_out: z.boolean().nullable(), changed_by: maybe, changed_at: maybeInstant })
export const prefs = z
  .object({
    tenant: said,
    user: said.extend({ user_id: text }),
    effective: z.object({ train_ok: z.boolean(), because: text }),
  })
  .openapi('TrainPrefs')

export const place = z.object({ id: text, name: text, status: z.enum(['active', 'inactive']) }).openapi('Place')
export const endedPlace = z.object({ id: text, status: z.literal('inactive') })
export const me = z
  .object({
    principal: z.object({ id: text, kind, name: text }),
    tenants: z.array(z.object({ id: text, role: text, permissions: texts })),
    on_behalf_of: texts.optional(),
    platform_role: z.literal('platform_operator').nullable(),
    credential: z.object({ id: text, expires_at: maybe }),
  })
  .openapi('Me')
export const principal = z.object({
  id: text,
  kind,
  name: text,
  status: text,
  role: maybe,
  permissions: texts.nullable(),
  membership: maybe,
})
export const membership = z.object({
  principal_id: text,
  role: text,
  permissions: texts.nullable(),
  status: text,
  changed_at: maybeInstant,
})
export const apiKey = z
  .object({
    id: text,
    principal_id: text,
    permissions: texts.nullable(),
    tenants: texts.nullable(),
    created_at: instant,
    expires_at: instant,
    revoked_at: maybeInstant,
    last_used_at: maybeInstant,
    state: z.enum(['active', 'expired', 'revoked']),
  })
  .openapi('ApiKey')
export const operatorKey = z.object({
  kid: text,
  principal_id: text,
  public_jwk: resource,
  not_before: instant,
  revoked_at: maybeInstant,
})
export const revoked = (id: string) => z.object({ [id]: text, revoked_at: instant })

export const ticket = z.object({ ticket: text, expires_at: instant })
export const upload = z.object({
  asset_id: text,
  key: text,
  url: text,
  method: text,
  fields: resource,
  expires_at: instant,
})
export const asset = z.object({
  asset_id: text,
  filename: text,
  content_type: text,
  key: text,
  sha256: hash,
  size: z.int(),
})

const leaf = z.object({
  seq: z.int(),
  leaf_hash: hash,
  entry: text,
  leaf: z.object({ v: z.literal(1), kind: z.enum(LEAF_KINDS), tenant_id: text, at: instant }),
})
export const leaves = page(leaf).extend({ checkpoint: maybe })
const hashes = z.array(hash)
export const inclusion = z.object({ leaf_index: z.int(), tree_size: z.int(), leaf_hash: hash, root_hash: hash, hashes })
export const consistency = z.object({ from: z.int(), to: z.int(), from_root: hash, to_root: hash, hashes })
export const exported = z.object({
  format: z.literal('exoarmur-audit/1'),
  tenant_id: text,
  entries: z.array(z.object({ seq: z.int(), entry: text })),
  checkpoint: text,
})

export const healthy = z.object({ ok: z.literal(true) })
export const readiness = z.object({
  ready: z.boolean(),
  backends: z.array(z.object({ name: text, ok: z.boolean() })),
})
export const trust = z
  .object({ v: z.int(), deployment: text, log: resource, keys: z.array(resource), issuers: z.array(z.any()) })
  .openapi('Trust')

export const inspected = z.object({
  action: text,
  requires_firearms: z.boolean(),
  license_types: texts,
  strategy_lock_required: z.boolean(),
})
