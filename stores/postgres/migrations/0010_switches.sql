-- Stopping: immediate, one person, PostgreSQL and nothing else. This function can only stop.

create function stop_switch(d jsonb) returns jsonb language plpgsql security definer set search_path = public, pg_temp as $$
declare e bigint := next_switch_epoch(d ->> 'tenant_id'); s jsonb;
begin
  perform set_config('app.tenant', d ->> 'tenant_id', true);
  for s in select * from jsonb_array_elements(d -> 'selectors') loop
    insert into kill_switches as k (tenant_id, kind, value, state, hold, epoch, reason, changed_by, leaf_hash)
      values (d ->> 'tenant_id', s ->> 'kind', coalesce(s ->> 'value', ''), 'stopped', d ->> 'hold', e, d ->> 'reason',
        d ->> 'changed_by', d ->> 'leaf_hash')
      on conflict (tenant_id, kind, value) do update set state = 'stopped', epoch = e, reason = excluded.reason,
        hold = coalesce(excluded.hold, k.hold), changed_by = excluded.changed_by, changed_at = clock_timestamp(),
        leaf_hash = excluded.leaf_hash;
  end loop;
  perform write_leaves(d ->> 'tenant_id', null, d ->> 'request_id', d -> 'leaves');
  insert into switch_drains (tenant_id, epoch) values (d ->> 'tenant_id', e);
  return jsonb_build_object('epoch', e);
end $$;

-- Shared by all who may have an effect, of the tenant and of everything.
create function fence(tenant text) returns void language sql volatile as $$
  select pg_advisory_xact_lock_shared(hashtextextended('exo fence t_system', 0)),
         pg_advisory_xact_lock_shared(hashtextextended('exo fence ' || tenant, 0))
$$;

-- The same until the session gives them back or ends: for an effect that begins when its claim is committed.
create function hold_fence(tenant text) returns void language sql volatile as $$
  select pg_advisory_lock_shared(hashtextextended('exo fence t_system', 0)),
         pg_advisory_lock_shared(hashtextextended('exo fence ' || tenant, 0))
$$;

-- Waits for every holder of the scope's fence, then says what may still land. The caller sets the time it will wait.
create function drain_switch(tenant text, e bigint) returns jsonb language plpgsql as $$
declare still jsonb;
begin
  perform set_config('app.tenant', tenant, true);
  perform pg_advisory_xact_lock(hashtextextended('exo fence ' || tenant, 0));
  select coalesce(jsonb_agg(jsonb_build_object('operation_id', c.operation_id,
      'phase', case c.state when 'unknown' then 'unknown' else 'dispatched' end) order by c.operation_id), '[]')
    into still from claims c where tenant in (c.tenant_id, 't_system') and c.state in ('claimed', 'dispatched', 'unknown')
      and c.resolved_at is null;
  update switch_drains set drained_at = clock_timestamp(), open_operations = still where tenant_id = tenant and epoch = e;
  return jsonb_build_object('state', 'drained', 'operations', still, 'at', iso(clock_timestamp()));
end $$;

grant execute on function stop_switch(jsonb), drain_switch(text, bigint) to stop;
grant execute on function fence(text), hold_fence(text) to guard, control;
