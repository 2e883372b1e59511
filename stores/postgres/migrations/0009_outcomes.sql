-- How an operation moves: waiting, voted on, cancelled, ended. Each is one call, one transaction, with its leaves.

create function write_leaves(tenant text, operation text, request text, leaves jsonb) returns void language sql volatile as $$
  insert into audit_leaves (tenant_id, kind, operation_id, request_id, entry)
  select tenant, l ->> 'kind', operation, request, decode(l ->> 'entry', 'base64')
  from jsonb_array_elements(leaves) with ordinality as e (l, n) order by n
$$;

-- Recorded once; a run that asks again finds what was recorded.
create function mark_pending(d jsonb) returns jsonb language plpgsql as $$
declare o operations%rowtype;
begin
  perform set_config('app.tenant', d ->> 'tenant_id', true);
  select * into o from operations where tenant_id = d ->> 'tenant_id' and id = d ->> 'operation_id' for update;
  if not found or o.ended_at is not null then return jsonb_build_object('status', o.status); end if;
  -- A run that was lost after the claim and started again asks nobody a second time.
  if o.status = 'executing' or (o.status = 'pending_approval' and o.shown_hash = d ->> 'shown_hash') then
    return jsonb_build_object('status', o.status, 'expires_at', o.approval ->> 'expires_at');
  end if;
  update operations set status = 'pending_approval', preview = d -> 'preview', shown_hash = d ->> 'shown_hash',
    passes = d -> 'passes', approval = d -> 'approval', run_id = d ->> 'run_id'
    where tenant_id = o.tenant_id and id = o.id;
  if o.status = 'evaluating' then
    perform write_leaves(o.tenant_id, o.id, o.context ->> 'request_id', d -> 'leaves');
  end if;
  return jsonb_build_object('status', 'pending_approval', 'expires_at', d -> 'approval' ->> 'expires_at');
end $$;

-- What a vote is judged by, in one round trip: the operation, the operator key it names, and whoever it would come from.
create function vote_context(tenant text, operation text, key text, voter text) returns jsonb language plpgsql as $$
begin
  perform set_config('app.tenant', tenant, true);
  return (with k as (
     select kid, principal_id, public_jwk from operator_keys where kid = key and revoked_at is null
   ), who as (
     select coalesce(voter, (select principal_id from k)) as id
   )
   select jsonb_build_object(
     -- Never before a vote that is in already, whatever the clock did since.
     'now', iso(greatest(clock_timestamp(), (select max((v.vote ->> 'at')::timestamptz) from votes v
         where v.tenant_id = tenant and v.operation_id = operation))),
     'operation', (select jsonb_build_object('status', o.status, 'intent_hash', o.intent_hash,
         'plan_hash', o.plan_hash, 'shown_hash', o.shown_hash, 'plan', o.plan, 'intent', o.intent,
         'action', o.action, 'context', o.context, 'firearms', firearms_of(o.intent)) from operations o where o.tenant_id = tenant and o.id = operation),
     -- Of the requester, of whoever it asks for, and of the voter.
     'train_ok', coalesce((select train_ok_of(tenant, o.principal_id, o.person_id)
           and (o.intent -> 'on_behalf_of' = 'null' or train_ok_behind(tenant, o.intent, o.plan)) from operations o
         where o.tenant_id = tenant and o.id = operation), false)
       and coalesce((select train_ok_of(tenant, p.id, p.person_id) from principals p where p.id = (select id from who)), false),
     'key', (select to_jsonb(k) from k),
     'voter', voter_of(tenant, (select id from who))));
end $$;
grant execute on function vote_context(text, text, text, text) to app, guard;

create function known_vote(tenant text, operation text, hash text) returns jsonb language plpgsql as $$
begin
  perform set_config('app.tenant', tenant, true);
  return (select v.vote from votes v where v.tenant_id = tenant and v.operation_id = operation and v.jws_hash = hash);
end $$;
grant execute on function known_vote(text, text, text) to app, guard;

create function admit_vote(d jsonb) returns jsonb language plpgsql as $$
declare o operations%rowtype; v votes%rowtype;
begin
  perform set_config('app.tenant', d ->> 'tenant_id', true);
  select * into o from operations where tenant_id = d ->> 'tenant_id' and id = d ->> 'operation_id' for update;
  if not found then return jsonb_build_object('refused', 'resource.not_found'); end if;
  select * into v from votes where tenant_id = o.tenant_id and operation_id = o.id and jws_hash = d ->> 'jws_hash';
  if found then return jsonb_build_object('vote', v.vote, 'known', true); end if;
  if o.status = 'expired' then return jsonb_build_object('refused', 'approval.expired'); end if;
  -- Who cancelled it was told that it holds.
  if o.ended_at is not null or o.cancel is not null then return jsonb_build_object('refused', 'approval.already_decided'); end if;
  if o.status <> 'pending_approval' then return jsonb_build_object('refused', 'approval.not_pending'); end if;
  if clock_timestamp() >= (o.approval ->> 'expires_at')::timestamptz then
    return jsonb_build_object('refused', 'approval.expired');
  end if;
  if o.shown_hash <> d -> 'vote' ->> 'shown_hash' then return jsonb_build_object('refused', 'approval.intent_mismatch'); end if;
  if exists (select from votes where tenant_id = o.tenant_id and operation_id = o.id and person_id = d ->> 'person_id') then
    return jsonb_build_object('refused', 'approval.already_decided');
  end if;
  -- Votes are told in the order they were admitted: one that looked at the clock before its neighbour looks again.
  if exists (select from votes where tenant_id = o.tenant_id and operation_id = o.id
      and (vote ->> 'at')::timestamptz > (d -> 'vote' ->> 'at')::timestamptz) then
    return jsonb_build_object('again', true);
  end if;
  insert into votes (tenant_id, operation_id, person_id, vote, nonce, jws_hash)
    values (o.tenant_id, o.id, d ->> 'person_id', d -> 'vote', d -> 'vote' ->> 'nonce', d ->> 'jws_hash')
    on conflict (tenant_id, nonce) do nothing;
  if not found then return jsonb_build_object('refused', 'approval.vote_invalid', 'check', 'nonce'); end if;
  perform write_leaves(o.tenant_id, o.id, o.context ->> 'request_id', d -> 'leaves');
  insert into outbox (tenant_id, operation_id, kind, payload, due_at)
    values (o.tenant_id, o.id, 'signal', jsonb_build_object('jws', d -> 'vote' ->> 'jws'), clock_timestamp() + interval '2 seconds');
  return jsonb_build_object('vote', d -> 'vote', 'known', false);
end $$;

-- A committed row the guard obeys; the outbox only wakes the run.
create function cancel_operation(d jsonb) returns jsonb language plpgsql as $$
declare o operations%rowtype;
begin
  perform set_config('app.tenant', d ->> 'tenant_id', true);
  select * into o from operations where tenant_id = d ->> 'tenant_id' and id = d ->> 'operation_id' for update;
  if not found then return jsonb_build_object('refused', 'resource.not_found'); end if;
  if o.status = 'cancelled' or (o.cancel is not null and o.ended_at is null) then return jsonb_build_object('cancelled', true); end if;
  -- A no that was counted ends it.
  if o.ended_at is not null
      or exists (select from votes where tenant_id = o.tenant_id and operation_id = o.id and vote ->> 'decision' = 'deny')
      or exists (select from claims where tenant_id = o.tenant_id and operation_id = o.id) then
    return jsonb_build_object('refused', 'operation.not_cancellable');
  end if;
  update operations set cancel = d -> 'cancel' where tenant_id = o.tenant_id and id = o.id;
  insert into outbox (tenant_id, operation_id, kind) values (o.tenant_id, o.id, 'cancel');
  return jsonb_build_object('cancelled', true);
end $$;

-- What an operation costs, with everything that says where it came from.
create function enter_cost(o operations, cost numeric, becomes text) returns void language sql volatile as $$
  insert into budget_entries (tenant_id, source, operation_id, action, principal_id, project_id, surface_id, app_id,
      request_id, trace_id, run_id, step_id, amount, state)
    values (o.tenant_id, 'operation', o.id, o.action, o.principal_id, o.project_id, o.intent ->> 'surface_id',
      o.intent ->> 'app_id', o.context ->> 'request_id', o.context ->> 'trace_id', o.context ->> 'run_id',
      o.context ->> 'step_id', cost, becomes)
$$;

-- The outcome of an effect that was dispatched: money is settled, released, or held while nobody knows.
create function settle_claim(tenant text, operation text, outcome text, answer jsonb, cost numeric) returns void
  language plpgsql as $$
declare c claims%rowtype;
begin
  update claims set state = outcome, result = answer, outcome_at = clock_timestamp()
    where tenant_id = tenant and operation_id = operation and state in ('claimed', 'dispatched') returning * into c;
  if not found then raise exception 'operation % has an outcome', operation using errcode = 'EXO05'; end if;
  if outcome <> 'unknown' then
    update budget_entries set state = case outcome when 'committed' then 'settled' else 'released' end
      where tenant_id = tenant and operation_id = operation and source = 'operation' and state = 'reserved';
  end if;
  if outcome = 'failed' and c.grant_id is not null then
    update license_grants set used_count = used_count - 1, used_amount = used_amount - cost
      where tenant_id = tenant and id = c.grant_id;
  end if;
end $$;

-- Passes as callers are told them. Their facts stand in the claim, and in the receipt once the operation has ended.
create function without_facts(passes jsonb) returns jsonb language sql immutable as $$
  select coalesce(jsonb_agg(pass - 'facts' order by n), '[]') from jsonb_array_elements(passes) with ordinality as e (pass, n)
$$;

-- Ends an operation: claim, settlement, leaves, receipt and row. Ended operations answer what they ended with.
create function end_operation(d jsonb) returns jsonb language plpgsql as $$
declare o operations%rowtype; cost numeric := coalesce((d ->> 'cost')::numeric, 0); uses boolean := false;
begin
  perform set_config('app.tenant', d ->> 'tenant_id', true);
  select * into o from operations where tenant_id = d ->> 'tenant_id' and id = d ->> 'operation_id' for update;
  if not found then raise exception 'operation % is absent', d ->> 'operation_id' using errcode = 'EXO03'; end if;
  if o.ended_at is not null then
    return jsonb_build_object('ended', false, 'status', o.status);
  end if;
  -- Claimed since this end was decided: whoever decided looks again, and finds the claim.
  if coalesce(d -> 'claim', 'null') = 'null'
      and exists (select from claims where tenant_id = o.tenant_id and operation_id = o.id) then
    raise exception 'operation % was claimed meanwhile', o.id using errcode = 'EXO06';
  end if;
  if d -> 'claim' <> 'null' and exists (select from claims where tenant_id = o.tenant_id and operation_id = o.id) then
    perform settle_claim(o.tenant_id, o.id, d -> 'claim' ->> 'state', d -> 'claim' -> 'result', cost);
  elsif d -> 'claim' <> 'null' then
    insert into claims (tenant_id, operation_id, effect_key, kind, state, passes, result, grant_id, outcome_at)
      values (o.tenant_id, o.id, d -> 'claim' ->> 'effect_key', d -> 'claim' ->> 'kind', d -> 'claim' ->> 'state',
        d -> 'passes', d -> 'claim' -> 'result', d -> 'claim' ->> 'grant_id', clock_timestamp());
    uses := d -> 'claim' ->> 'state' = 'committed' and d -> 'claim' ->> 'grant_id' is not null;
    if cost > 0 then
      perform enter_cost(o, cost, case d -> 'claim' ->> 'state' when 'committed' then 'settled' else 'released' end);
    end if;
  end if;
  -- Of several inputs some were committed: what the others would have cost is not spent.
  if d ->> 'settled' is not null then
    update budget_entries set amount = (d ->> 'settled')::numeric
      where tenant_id = o.tenant_id and operation_id = o.id and source = 'operation' and state = 'settled';
  end if;
  perform write_leaves(o.tenant_id, o.id, o.context ->> 'request_id', d -> 'leaves');
  insert into receipts (tenant_id, operation_id, status, jws) values (o.tenant_id, o.id, d ->> 'status', d ->> 'jws');
  update operations set status = d ->> 'status', passes = without_facts(d -> 'passes'), decision_hash = d ->> 'decision_hash',
    error = nullif(d -> 'error', 'null'), approval = d -> 'approval', run_id = coalesce(d ->> 'run_id', run_id),
    preview = coalesce(nullif(d -> 'preview', 'null'), preview), shown_hash = coalesce(d ->> 'shown_hash', shown_hash)
    where tenant_id = o.tenant_id and id = o.id;
  perform keep_temperature(o, d -> 'passes');
  -- An undo of several inputs that was stopped on its way leaves the rest to another.
  if d ->> 'status' = 'executed' and o.undo_of is not null
      and (o.plan -> 'batch' is null or d #>> '{claim,result,blocked}' = '0') then
    update operations set undone_by = o.id where tenant_id = o.tenant_id and id = o.undo_of;
  end if;
  insert into outbox (tenant_id, operation_id, kind, due_at)
    values (o.tenant_id, o.id, 'seal', clock_timestamp() + interval '1 second');
  -- Last, since all who spend the same grant wait for one another from here to the commit.
  if uses then
    update license_grants set used_count = used_count + 1, used_amount = used_amount + cost
      where tenant_id = o.tenant_id and id = d -> 'claim' ->> 'grant_id' and revoked_at is null;
    if not found then raise exception 'standing grant is gone' using errcode = 'EXO04'; end if;
  end if;
  return jsonb_build_object('ended', true, 'status', d ->> 'status');
end $$;

-- The same for who must be the one that ends it. Answers the row as its readers see it.
create function end_now(d jsonb) returns jsonb language plpgsql as $$
begin
  if not (end_operation(d) ->> 'ended')::boolean then
    raise exception 'operation % ended meanwhile', d ->> 'operation_id' using errcode = 'EXO05';
  end if;
  return operation_row(d ->> 'tenant_id', d ->> 'operation_id');
end $$;

-- The same for who does not mind who ends it: with the row, where this call did.
create function end_told(d jsonb) returns jsonb language plpgsql as $$
declare ended jsonb := end_operation(d);
begin
  if (ended ->> 'ended')::boolean then
    return ended || jsonb_build_object('row', operation_row(d ->> 'tenant_id', d ->> 'operation_id'));
  end if;
  return ended;
end $$;

grant execute on function without_facts(jsonb) to app, guard, control;
grant execute on function write_leaves(text, text, text, jsonb) to app, guard, control, sequencer, stop;
grant execute on function mark_pending(jsonb), end_operation(jsonb), end_now(jsonb), end_told(jsonb), settle_claim(text, text, text, jsonb, numeric),
  enter_cost(operations, numeric, text) to guard, control;
grant execute on function admit_vote(jsonb) to app, guard;
grant execute on function cancel_operation(jsonb) to app;
grant usage on all sequences in schema public to app, guard, control, sequencer, stop;

-- Revoking a key is immediate and one person's; this function can only revoke.
create function revoke_operator_key(tenant text, key text, only_of text) returns boolean language plpgsql security definer
  set search_path = public, pg_temp as $$
begin
  perform set_config('app.tenant', tenant, true);
  update operator_keys set revoked_at = clock_timestamp()
    where tenant_id = tenant and kid = key and revoked_at is null and (only_of is null or principal_id = only_of);
  return found;
end $$;
grant execute on function revoke_operator_key(text, text, text) to app;
