-- Effects that leave the database: claimed before anything is sent, in a transaction of their own.

create function claim_effect(d jsonb) returns void language plpgsql as $$
declare o operations%rowtype; cost numeric := coalesce((d ->> 'cost')::numeric, 0);
begin
  perform set_config('app.tenant', d ->> 'tenant_id', true);
  select * into o from operations where tenant_id = d ->> 'tenant_id' and id = d ->> 'operation_id' for update;
  if not found or o.ended_at is not null then
    raise exception 'operation % ended meanwhile', d ->> 'operation_id' using errcode = 'EXO05';
  end if;
  insert into claims (tenant_id, operation_id, effect_key, kind, state, passes, votes, satisfied_by, grant_id, lease_until)
    values (o.tenant_id, o.id, d ->> 'effect_key', d ->> 'kind', 'dispatched', d -> 'passes', d -> 'votes',
      d ->> 'satisfied_by', d ->> 'grant_id', clock_timestamp() + make_interval(secs => (d ->> 'lease_ms')::numeric / 1000));
  if d ->> 'grant_id' is not null then
    update license_grants set used_count = used_count + 1, used_amount = used_amount + cost
      where tenant_id = o.tenant_id and id = d ->> 'grant_id' and revoked_at is null;
    if not found then raise exception 'standing grant is gone' using errcode = 'EXO04'; end if;
  end if;
  if cost > 0 then
    perform enter_cost(o, cost, 'reserved');
  end if;
  perform write_leaves(o.tenant_id, o.id, o.context ->> 'request_id', d -> 'leaves');
  update operations set status = 'executing', passes = without_facts(d -> 'passes'),
    preview = coalesce(nullif(d -> 'preview', 'null'), preview), shown_hash = coalesce(d ->> 'shown_hash', shown_hash)
    where tenant_id = o.tenant_id and id = o.id;
end $$;

-- One more try under a new lease, for who knows the last one: of two workers that found it lost, one makes the next.
create function dispatch_again(tenant text, operation text, lease_ms integer, tried integer) returns boolean
  language plpgsql as $$
begin
  perform set_config('app.tenant', tenant, true);
  update claims set attempts = attempts + 1, lease_until = clock_timestamp() + make_interval(secs => lease_ms / 1000.0)
    where tenant_id = tenant and operation_id = operation and state = 'dispatched' and attempts = tried;
  return found;
end $$;

-- People said what an unknown outcome was: what it held is settled or given back, and the operation names who said it.
create function resolve_unknown(tenant text, operation text, resolver text, committed boolean) returns boolean
  language plpgsql as $$
declare c claims%rowtype;
begin
  update operations set resolved_by = resolver
    where tenant_id = tenant and id = operation and status = 'unknown' and resolved_by is null;
  if not found then return false; end if;
  update claims set resolved_at = clock_timestamp() where tenant_id = tenant and operation_id = operation returning * into c;
  update budget_entries set state = case when committed then 'settled' else 'released' end
    where tenant_id = tenant and operation_id = operation and source = 'operation' and state = 'reserved';
  if not committed and c.grant_id is not null then
    update license_grants set used_count = used_count - 1, used_amount = used_amount - coalesce((select amount
        from budget_entries b where b.tenant_id = tenant and b.operation_id = operation and b.source = 'operation'), 0)
      where tenant_id = tenant and id = c.grant_id;
  end if;
  return true;
end $$;

grant execute on function resolve_unknown(text, text, text, boolean) to control;
grant execute on function claim_effect(jsonb), dispatch_again(text, text, integer, integer) to guard, control;
