/** The switches of a control document, written by role `control`. A stop is written elsewhere, by a role that can only stop. */
import type { Target } from './policy-sections.ts'
import type { SwitchRow } from '../../domain/policy.ts'

/**
 * Switches, row by row: one that somebody set after `epoch` is left alone. False when the rows are then not those of the
 * document, because a stop came since it was asked for; the caller rolls back.
 */
export async function replaceSwitches(
  { client, tenantId, change }: Target,
  switches: readonly SwitchRow[],
  epoch: number,
): Promise<boolean> {
  const rows = JSON.stringify(switches)
  const named = `r -> 'selector' ->> 'kind' = k.kind and coalesce(r -> 'selector' ->> 'value', '') = k.value`
  await client.query(
    `with gone as (delete from kill_switches k where tenant_id = $1 and epoch <= $3
       and not exists (select from jsonb_array_elements($2::jsonb) r where ${named}) returning *)
     insert into switch_changes (tenant_id, kind, value, was, epoch, reason, changed_by, leaf_hash)
       select tenant_id, kind, value, state, next_switch_epoch($1), $4, $5, $6 from gone`,
    [tenantId, rows, epoch, change.reason, change.by, change.leaf_hash],
  )
  await client.query(
    `insert into kill_switches as k (tenant_id, kind, value, state, hold, epoch, reason, changed_by, leaf_hash)
     select $1, r -> 'selector' ->> 'kind', coalesce(r -> 'selector' ->> 'value', ''), r ->> 'state', r ->> 'hold',
       next_switch_epoch($1), $3, $4, $5
     from jsonb_array_elements($2::jsonb) r
     on conflict (tenant_id, kind, value) do update set state = excluded.state, hold = excluded.hold,
       epoch = excluded.epoch, reason = excluded.reason, changed_by = excluded.changed_by,
       changed_at = clock_timestamp(), leaf_hash = excluded.leaf_hash
     where k.epoch <= $6 and (k.state, k.hold) is distinct from (excluded.state, excluded.hold)`,
    [tenantId, rows, change.reason, change.by, change.leaf_hash, epoch],
  )
  const { rows: others } = await client.query(
    `select from kill_switches k where tenant_id = $1 and not exists (select from jsonb_array_elements($2::jsonb) r
       where ${named} and r ->> 'state' = k.state and r ->> 'hold' is not distinct from k.hold)`,
    [tenantId, rows],
  )
  return others.length === 0
}
