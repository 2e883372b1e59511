/**
 * A control document that somebody wrote, read strictly before it is decided under: an unknown section or a misspelt member
 * would otherwise change nothing and look like an answer. Sections that no gate reads are held to their outline alone.
 */
import type { Json } from '../domain/canonical.ts'
import type { GrantRow, PolicyDocument, PolicySection, SwitchRow, WaiverRow } from '../domain/policy.ts'
import { ensure } from './report.ts'
import {
  count,
  decimal,
  exactly,
  flag,
  instant,
  listOf,
  mapOf,
  matching,
  nullable,
  object,
  oneOf,
  type Shape,
  text,
} from './shape.ts'

type Row<Section extends PolicySection> = NonNullable<PolicyDocument[Section]> extends (infer Each)[] ? Each : never
type Corridor = NonNullable<PolicyDocument['kpi']>['corridors'][number]

const signed = matching(/^-?\d{1,12}(\.\d{1,6})?$/, 'a decimal')
const actionClass = oneOf('observe', 'reversible', 'contained', 'irreversible')

const SECTIONS: { readonly [Section in PolicySection]: Shape<NonNullable<PolicyDocument[Section]>> } = {
  kill_switches: listOf(
    exactly<SwitchRow>({
      scope: oneOf('global', 'tenant'),
      selector: exactly<SwitchRow['selector']>({
        kind: oneOf('all', 'action', 'provider', 'class'),
        value: nullable(text),
      }),
      state: oneOf('running', 'stopped'),
      hold: nullable(oneOf('owner', 'platform')),
    }),
  ),
  license_types: listOf(exactly<Row<'license_types'>>({ id: text, name: text })),
  firearms: listOf(
    exactly<Row<'firearms'>>({ action: text, license_types: listOf(text), strategy_lock_required: flag }),
  ),
  grants: listOf(
    exactly<GrantRow>(
      {
        id: text,
        principal_id: text,
        license_type: text,
        actions: listOf(text),
        project_id: nullable(text),
        surface_id: nullable(text),
        expires_at: instant,
        standing: nullable(
          exactly<NonNullable<GrantRow['standing']>>({ max_count: count, max_amount: decimal, targets: listOf(text) }, [
            'targets',
          ]),
        ),
      },
      ['id', 'project_id', 'surface_id'],
    ),
  ),
  strategy_locks: listOf(exactly<Row<'strategy_locks'>>({ action: text, surface_id: text, required: flag })),
  budget: listOf(
    exactly<Row<'budget'>>(
      {
        scope: exactly<Row<'budget'>['scope']>({ surface_id: text, app_id: text, action: text }, [
          'surface_id',
          'app_id',
          'action',
        ]),
        threshold: decimal,
        daily_cap: decimal,
        window_days: count,
      },
      ['threshold', 'daily_cap'],
    ),
  ),
  kpi: exactly<NonNullable<PolicyDocument['kpi']>>({
    definitions: listOf(exactly({ surface_id: text, kpi: text, unit: text, window_seconds: count })),
    corridors: listOf(
      exactly<Corridor>({ surface_id: text, kpi: text, floor: signed, ceiling: signed, max_age_seconds: count }, [
        'floor',
        'ceiling',
      ]),
    ),
  }),
  temperature: listOf(
    exactly<Row<'temperature'>>({
      surface_id: text,
      floors: mapOf(signed),
      ceilings: mapOf(signed),
      weights: mapOf(signed),
    }),
  ),
  rate_limits: listOf(
    exactly<Row<'rate_limits'>>({
      class: oneOf('mutation', 'read', 'decision'),
      limit: count,
      window_seconds: count,
    }),
  ),
  not_required: listOf(
    exactly<WaiverRow>(
      { gate: oneOf('budget', 'kpi', 'temperature'), action: text, class: actionClass, until: instant, reason: text },
      ['action', 'class'],
    ),
  ),
  feature_flags: object,
  egress: listOf((value, at) => object(value, at) as unknown as Row<'egress'>),
}

/** Throws `Divergence` with the place, and for a section that there is none of with the names of those there are. */
export function readPolicy(value: Json): PolicyDocument {
  const known = Object.keys(SECTIONS).join(', ')
  for (const section of Object.keys(object(value, 'policy')))
    ensure(Object.hasOwn(SECTIONS, section), `policy has no section ${section}; its sections are ${known}`)
  return exactly<PolicyDocument>(SECTIONS, Object.keys(SECTIONS) as PolicySection[])(value, 'policy')
}
