-- All facts of one pass, in one statement and so in one snapshot. The shape is domain/facts.ts.

create function decimal_text(n numeric) returns text language sql immutable as
$$ select trim_scale(n)::text $$;

-- What licences policy asks of an action, and the grants that may arm it, of all who ask. Stable, so that it sees what its caller sees.
create function firearms_of(intent jsonb) returns jsonb language sql stable as $$
  with asked as (select intent ->> 'tenant_id' as tenant, intent ->> 'action' as action, array[intent ->> 'principal_id'] || case
      jsonb_typeof(intent -> 'on_behalf_of') when 'array' then array(select jsonb_array_elements_text(intent -> 'on_behalf_of')) else '{}' end as principals)
  select jsonb_build_object(
    'license_types', coalesce((select to_jsonb(f.license_types) from firearm_policies f
      where f.tenant_id = a.tenant and f.action = a.action), '[]'),
    'strategy_lock_required', coalesce((select f.strategy_lock_required from firearm_policies f
      where f.tenant_id = a.tenant and f.action = a.action), false),
    'grants', (select coalesce(jsonb_agg(jsonb_build_object('id', g.id, 'principal_id', g.principal_id,
        'license_type', g.license_type, 'actions', g.actions, 'project_id', g.project_id, 'surface_id', g.surface_id,
        'expires_at', iso(g.expires_at), 'revoked', g.revoked_at is not null, 'granted_by_person', g.granted_by_person,
        'standing', case when g.standing is null then null else jsonb_build_object(
          'max_count', g.standing -> 'max_count', 'max_amount', g.standing -> 'max_amount',
          'targets', g.standing -> 'targets') end,
        'used', jsonb_build_object('count', g.used_count, 'amount', decimal_text(g.used_amount))) order by g.id), '[]')
      from license_grants g
      where g.tenant_id = a.tenant and g.principal_id = any (a.principals) and g.revoked_at is null
        and a.action = any (g.actions)))
  from asked a
$$;

-- The limits of a surface and the latest measurement of every metric they name; null where it has none. Stable, as above.
create function temperature_of(tenant text, surface text) returns jsonb language sql stable as $$
  select jsonb_build_object('floors', l.floors, 'ceilings', l.ceilings, 'weights', l.weights, 'max_age_seconds', 86400,
    'values', (select coalesce(jsonb_object_agg(metric, (select jsonb_build_object(
          'value', decimal_text(r.value), 'measured_at', iso(r.measured_at))
        from kpi_raw r where r.tenant_id = tenant and r.surface_id = surface and r.kpi = metric
        order by r.measured_at desc, r.id desc limit 1)) filter (where exists (select from kpi_raw r
        where r.tenant_id = tenant and r.surface_id = surface and r.kpi = metric)), '{}')
      from (select jsonb_object_keys(l.floors || l.ceilings || l.weights) as metric) named))
  from temperature_limits l where l.tenant_id = tenant and l.surface_id = surface
$$;

create function facts_of(intent jsonb, plan jsonb) returns jsonb language sql volatile as $$
  with asked as (
    select intent ->> 'tenant_id' as tenant, intent ->> 'principal_id' as principal, intent ->> 'action' as action,
      intent ->> 'class' as class, intent ->> 'surface_id' as surface, intent ->> 'app_id' as app,
      intent ->> 'project_id' as project, plan ->> 'provider' as provider, clock_timestamp() as now
  ), threshold as (
    select b.* from budget_policies b, asked a
    where b.tenant_id = a.tenant and b.threshold is not null and b.action = ''
      and b.surface_id in ('', a.surface) and b.app_id in ('', a.app)
    order by (b.surface_id <> '') desc, (b.app_id <> '') desc limit 1
  ), spent as (
    select coalesce(sum(e.amount) filter (where e.state = 'settled'), 0) as settled,
      coalesce(sum(e.amount) filter (where e.state = 'reserved'), 0) as reserved
    from budget_entries e, asked a, threshold t
    where e.tenant_id = a.tenant and e.state <> 'released' and e.amount > 0
      and e.at > a.now - make_interval(days => t.window_days)
      and (t.surface_id = '' or e.surface_id = t.surface_id) and (t.app_id = '' or e.app_id = t.app_id)
  )
  select jsonb_build_object(
    'v', 2,
    'now', iso(a.now),
    'principal', (select jsonb_build_object('id', p.id, 'kind', p.kind, 'person_id', p.person_id, 'status', p.status,
        'membership', case when p.platform_role is not null and a.tenant = 't_system' then 'active' else coalesce(
          (select m.status from memberships m where m.tenant_id = a.tenant and m.principal_id = p.id), 'none') end)
      from principals p where p.id = a.principal),
    -- An id begins with the letter of its kind, so that it is found under no other.
    'places', (select coalesce(jsonb_object_agg(p.kind, p.status), '{}') from places p where p.tenant_id = a.tenant
      and p.kind in ('project', 'surface', 'app') and p.id in (a.project, a.surface, a.app)),
    'switches', (select coalesce(jsonb_agg(jsonb_build_object(
        'scope', case when s.tenant_id = 't_system' then 'global' else 'tenant' end,
        'selector', jsonb_build_object('kind', s.kind, 'value', nullif(s.value, '')),
        'state', s.state, 'epoch', s.epoch, 'reason', s.reason, 'leaf_hash', s.leaf_hash)
        order by s.tenant_id <> 't_system', s.kind, s.value), '[]')
      from kill_switches s
      where s.tenant_id in ('t_system', a.tenant)
        and (s.kind = 'all' or (s.kind = 'action' and s.value = a.action) or (s.kind = 'class' and s.value = a.class)
          or (s.kind = 'provider' and s.value = a.provider))),
    'firearms', firearms_of(intent),
    'strategy_lock', jsonb_build_object(
      'required', coalesce((select bool_or(l.required) from lock_policies l
        where l.tenant_id = a.tenant and l.action = a.action and l.surface_id in ('*', a.surface)), false),
      'locks', (select coalesce(jsonb_agg(jsonb_build_object('id', l.id, 'version', l.version, 'status', l.status,
          'surface_id', l.surface_id, 'project_id', l.project_id, 'allowed_actions', l.allowed_actions,
          'valid_from', iso(l.valid_from), 'valid_until', iso(l.valid_until), 'constraints', l.constraints,
          'three_wise', (select jsonb_build_object('id', q.id, 'verdict', q.verdict, 'binding_hash', q.binding_hash,
              'expires_at', iso(q.expires_at)) from three_wise_questions q
            where q.tenant_id = a.tenant and q.id = l.three_wise_id)) order by l.id), '[]')
        from strategy_locks l
        where l.tenant_id = a.tenant and l.status = 'approved' and a.action = any (l.allowed_actions))),
    'budget', jsonb_build_object(
      'policy', (select jsonb_build_object('threshold', decimal_text(t.threshold), 'window_days', t.window_days,
        'surface_id', nullif(t.surface_id, ''), 'app_id', nullif(t.app_id, '')) from threshold t),
      'settled', (select decimal_text(settled) from spent), 'reserved', (select decimal_text(reserved) from spent),
      'cap', (select jsonb_build_object('daily_cap', decimal_text(b.daily_cap), 'spent', decimal_text(coalesce(
          (select sum(e.amount) from budget_entries e where e.tenant_id = a.tenant and e.action = a.action
            and e.state <> 'released' and e.amount > 0
            and e.at >= date_trunc('day', a.now at time zone 'UTC') at time zone 'UTC'), 0)))
        from budget_policies b where b.tenant_id = a.tenant and b.action = a.action and b.daily_cap is not null
          and b.surface_id in ('', a.surface) and b.app_id in ('', a.app)
        order by b.surface_id desc, b.app_id desc limit 1)),
    'kpi', jsonb_build_object('corridors', (select coalesce(jsonb_agg(jsonb_build_object('kpi', c.kpi,
        'floor', decimal_text(c.floor), 'ceiling', decimal_text(c.ceiling), 'max_age_seconds', c.max_age_seconds,
        'measurement', (select jsonb_build_object('value', decimal_text(r.value), 'measured_at', iso(r.measured_at))
          from kpi_raw r where r.tenant_id = a.tenant and r.surface_id = c.surface_id and r.kpi = c.kpi
          order by r.measured_at desc, r.id desc limit 1)) order by c.kpi), '[]')
      from kpi_corridors c where c.tenant_id = a.tenant and c.surface_id = a.surface)),
    'temperature', temperature_of(a.tenant, a.surface),
    'waivers', (select coalesce(jsonb_agg(jsonb_build_object('gate', w.gate, 'until', iso(w.until), 'reason', w.reason,
        'waived_by', w.waived_by) order by w.gate, w.selector), '[]')
      from waivers w where w.tenant_id = a.tenant
        and ((w.selector = 'action' and w.value = a.action) or (w.selector = 'class' and w.value = a.class))),
    'audit', (select jsonb_build_object('sequencer_at', iso(s.alive_at), 'checkpoint_at', iso(s.alive_at),
        'oldest_unindexed_at', (select iso(l.at) from audit_leaves l where l.tenant_id = a.tenant and l.seq is null
          order by l.id limit 1),
        'self_check', jsonb_build_object('ok', s.self_check_ok, 'at', iso(s.self_check_at)))
      from audit_sequencer s))
    || case jsonb_typeof(intent -> 'on_behalf_of') when 'array' then represented_of(a.tenant, intent -> 'on_behalf_of') else '{}' end
  from asked a
$$;

-- A target as callers write it: what it does not have is not named.
create function egress_row(e egress_targets) returns jsonb language sql stable as $$
  select jsonb_build_object('origin', e.origin, 'methods', e.methods, 'idempotency_header', e.idempotency_header)
    || case when e.allowed_headers = '{}' then '{}' else jsonb_build_object('allowed_headers', e.allowed_headers) end
    || case when e.secret_headers = '[]' then '{}' else jsonb_build_object('secret_headers', e.secret_headers) end
$$;

-- The control document as GET /policy answers it and as a change of it is shown.
create function policy_document(tenant text) returns jsonb language sql volatile as $$
  select jsonb_build_object(
    'version', coalesce((select max(v.version) from policy_versions v where v.tenant_id = tenant), 0),
    'epoch', coalesce((select max(s.epoch) from kill_switches s where s.tenant_id = tenant), 0),
    'changed_by', (select v.changed_by from policy_versions v where v.tenant_id = tenant order by v.version desc limit 1),
    'changed_at', (select iso(v.changed_at) from policy_versions v where v.tenant_id = tenant order by v.version desc limit 1),
    'policy', jsonb_build_object(
      'kill_switches', (select coalesce(jsonb_agg(jsonb_build_object(
          'scope', case when tenant = 't_system' then 'global' else 'tenant' end,
          'selector', jsonb_build_object('kind', s.kind, 'value', nullif(s.value, '')), 'state', s.state, 'hold', s.hold)
          order by s.kind, s.value), '[]') from kill_switches s where s.tenant_id = tenant),
      'license_types', (select coalesce(jsonb_agg(jsonb_build_object('id', l.id, 'name', l.name) order by l.id), '[]')
        from license_types l where l.tenant_id = tenant),
      'firearms', (select coalesce(jsonb_agg(jsonb_build_object('action', f.action, 'license_types', f.license_types,
          'strategy_lock_required', f.strategy_lock_required) order by f.action), '[]')
        from firearm_policies f where f.tenant_id = tenant),
      'grants', (select coalesce(jsonb_agg(jsonb_build_object('id', g.id, 'principal_id', g.principal_id,
          'license_type', g.license_type, 'actions', g.actions, 'project_id', g.project_id, 'surface_id', g.surface_id,
          'expires_at', iso(g.expires_at), 'standing', g.standing) order by g.id), '[]')
        from license_grants g where g.tenant_id = tenant and g.revoked_at is null),
      'strategy_locks', (select coalesce(jsonb_agg(jsonb_build_object('action', l.action, 'surface_id', l.surface_id,
          'required', l.required) order by l.action, l.surface_id), '[]') from lock_policies l where l.tenant_id = tenant),
      'budget', (select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
          'scope', jsonb_build_object('surface_id', nullif(b.surface_id, ''), 'app_id', nullif(b.app_id, ''),
            'action', nullif(b.action, '')),
          'threshold', decimal_text(b.threshold), 'daily_cap', decimal_text(b.daily_cap), 'window_days', b.window_days))
          order by b.surface_id, b.app_id, b.action), '[]') from budget_policies b where b.tenant_id = tenant),
      'kpi', jsonb_build_object(
        'definitions', (select coalesce(jsonb_agg(jsonb_build_object('surface_id', k.surface_id, 'kpi', k.kpi,
            'unit', k.unit, 'window_seconds', k.window_seconds) order by k.surface_id, k.kpi), '[]')
          from kpi_definitions k where k.tenant_id = tenant),
        'corridors', (select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('surface_id', k.surface_id,
            'kpi', k.kpi, 'floor', decimal_text(k.floor), 'ceiling', decimal_text(k.ceiling),
            'max_age_seconds', k.max_age_seconds)) order by k.surface_id, k.kpi), '[]')
          from kpi_corridors k where k.tenant_id = tenant)),
      'temperature', (select coalesce(jsonb_agg(jsonb_build_object('surface_id', t.surface_id, 'floors', t.floors,
          'ceilings', t.ceilings, 'weights', t.weights) order by t.surface_id), '[]')
        from temperature_limits t where t.tenant_id = tenant),
      'rate_limits', (select coalesce(jsonb_agg(jsonb_build_object('class', r.class, 'limit', r.max_calls,
          'window_seconds', r.window_seconds) order by r.class), '[]') from rate_limits r where r.tenant_id = tenant),
      'not_required', (select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('gate', w.gate,
          'action', case w.selector when 'action' then w.value end, 'class', case w.selector when 'class' then w.value end,
          'until', iso(w.until), 'reason', w.reason)) order by w.gate, w.selector, w.value), '[]')
        from waivers w where w.tenant_id = tenant),
      'egress', (select coalesce(jsonb_agg(egress_row(e) order by e.origin), '[]')
        from egress_targets e where e.tenant_id = tenant),
      'feature_flags', coalesce((select f.flags from feature_flags f where f.tenant_id = tenant), '{}')))
$$;

-- A strategy lock as its readers see it.
create function lock_json(l strategy_locks) returns jsonb language sql stable as $$
  select jsonb_build_object('id', l.id, 'status', l.status, 'version', l.version, 'title', l.title,
    'allowed_actions', l.allowed_actions, 'surface_id', l.surface_id, 'project_id', l.project_id,
    'valid_from', iso(l.valid_from), 'valid_until', iso(l.valid_until), 'constraints', l.constraints,
    'three_wise_id', l.three_wise_id, 'content_hash', l.content_hash, 'created_by', l.created_by,
    'drafted_by', l.drafted_by, 'approved_by', l.approved_by, 'closed_by', l.closed_by, 'closed_reason', l.closed_reason,
    'created_at', iso(l.created_at), 'updated_at', iso(l.updated_at))
$$;

-- One row of that document, by its section and the members that name it; flags are one row, whatever is asked.
create function control_row(tenant text, section text, key jsonb) returns jsonb language sql volatile as $$
  select case jsonb_typeof(them) when 'object' then them else (select r from jsonb_array_elements(them) r
      where (select bool_and(r -> k = v) from jsonb_each(key) e (k, v)) limit 1) end
  from (select policy_document(tenant) -> 'policy' #> string_to_array(section, '.') as them) s
$$;

create function control_rows(tenant text, section text) returns integer language sql volatile as $$
  select case jsonb_typeof(them) when 'array' then jsonb_array_length(them) else 0 end
  from (select policy_document(tenant) -> 'policy' #> string_to_array(section, '.') as them) s
$$;

-- What an action asked to look at: `view` is null or {kind, ...}. A statement a kind: none needs the rights of another.
create function view_of(tenant text, view jsonb) returns jsonb language plpgsql volatile as $$
begin
  case view ->> 'kind'
    when 'note' then return (select jsonb_build_object('id', n.id, 'notebook', n.notebook, 'text', n.text)
      from notes n where n.tenant_id = tenant and n.id = view ->> 'id'
        and (n.removed_at is not null) = coalesce((view ->> 'removed')::boolean, false));
    when 'policy' then return policy_document(view ->> 'tenant_id')
      || jsonb_build_object('grantees', grantees_of(tenant, view -> 'grantees'));
    when 'control' then return jsonb_build_object('row', control_row(tenant, view ->> 'section', view -> 'key'),
      'rows', control_rows(tenant, view ->> 'section'), 'grantees', grantees_of(tenant, view -> 'grantees'),
      'license_types', (select coalesce(jsonb_agg(l.id order by l.id), '[]') from license_types l where l.tenant_id = tenant
        and l.id in (select jsonb_array_elements_text(coalesce(view -> 'license_types', '[]')))));
    when 'switches' then return (select coalesce(jsonb_agg(jsonb_build_object('kind', s.kind, 'value', nullif(s.value, ''),
        'state', s.state, 'epoch', s.epoch, 'hold', s.hold) order by s.kind, s.value), '[]')
      from kill_switches s where s.tenant_id = view ->> 'tenant_id');
    when 'egress' then return (select egress_row(e) from egress_targets e where e.tenant_id = tenant and e.origin = view ->> 'origin');
    when 'strategy_lock' then return (select lock_json(l) || jsonb_build_object('authors', l.authors)
      from strategy_locks l where l.tenant_id = tenant and l.id = view ->> 'id');
    when 'train_prefs' then return (select jsonb_build_object('opt_out', t.opt_out, 'changed_by', t.changed_by,
        'changed_at', iso(t.changed_at)) from train_prefs t where t.tenant_id = tenant and t.principal_id = '');
    when 'raw' then return (select jsonb_build_object('asset_id', r.asset_id, 'filename', r.filename, 'sha256', r.sha256,
        'size', r.size, 'content_type', r.content_type)
      from raw_assets r where r.tenant_id = tenant and r.asset_id = view ->> 'asset_id' and r.closed_as is distinct from 'swept');
    when 'operation' then return (select jsonb_build_object('id', o.id, 'status', o.status, 'action', o.action,
        'target', o.intent ->> 'target', 'tree', o.plan -> 'approval' -> 'tree', 'class', o.intent ->> 'class',
        'excluded_persons', o.plan -> 'approval' -> 'excluded_persons', 'resolved_by', o.resolved_by, 'error', o.error)
      from operations o where o.tenant_id = tenant and o.id = view ->> 'id');
    when 'tenant' then return (select jsonb_build_object('id', t.id) from tenants t where t.id = view ->> 'id');
    when 'principal' then return (select jsonb_build_object('id', p.id, 'kind', p.kind, 'name', p.name, 'person_id', p.person_id,
        'status', p.status, 'platform', p.platform_role is not null, 'role', m.role, 'permissions', m.permissions,
        'membership', m.status, 'last_owner', is_last_owner(tenant, p.id))
      from principals p left join memberships m on m.tenant_id = tenant and m.principal_id = p.id
      where p.id = view ->> 'id' and case when tenant = 't_system' then p.platform_role is not null
        else m.principal_id is not null or p.home_tenant = tenant end);
    when 'platform' then return jsonb_build_object('platform', tenant = 't_system');
    when 'person' then return (select jsonb_build_object('id', view ->> 'id') where exists (
      select from memberships m join principals p on p.id = m.principal_id
      where m.tenant_id = tenant and m.status = 'active' and p.status = 'active' and p.kind = 'user'
        and p.person_id = view ->> 'id'));
    else return null;
  end case;
end $$;

-- Everything a pass reads about an operation. With `lock`, the operation's row is held until commit, so that a cancel
-- and a guard never both win. Not `whole`: without facts and view, for who only records what an effect came to.
create function read_pass(tenant text, operation text, lock boolean, whole boolean default true) returns jsonb
  language plpgsql as $$
declare o operations%rowtype; c claims%rowtype; r receipts%rowtype;
begin
  perform set_config('app.tenant', tenant, true);
  if lock then select * into o from operations where tenant_id = tenant and id = operation for update;
  else select * into o from operations where tenant_id = tenant and id = operation; end if;
  if not found then return jsonb_build_object('operation', null, 'now', iso(clock_timestamp())); end if;
  -- Whoever will spend reads the tenant's budget alone until commit: what fits for each of many need not fit for all.
  if lock and coalesce(o.intent ->> 'estimated_cost', '0')::numeric > 0 then
    perform pg_advisory_xact_lock(hashtextextended('exo budget ' || tenant, 0));
  end if;
  select * into c from claims where tenant_id = tenant and operation_id = operation;
  select * into r from receipts where tenant_id = tenant and operation_id = operation;
  return jsonb_build_object(
    'operation', jsonb_build_object('status', o.status, 'intent', o.intent, 'plan', o.plan, 'proposal', o.proposal,
      'intent_hash', o.intent_hash, 'plan_hash', o.plan_hash, 'cancel', o.cancel, 'reason', o.reason, 'context', o.context,
      'principal_kind', o.principal_kind, 'person_id', o.person_id, 'preview', o.preview, 'shown_hash', o.shown_hash,
      'passes', o.passes, 'approval', o.approval, 'undo_of', o.undo_of),
    'claim', case when c.operation_id is null then null else jsonb_build_object('state', c.state, 'kind', c.kind,
      'effect_key', c.effect_key, 'attempts', c.attempts, 'passes', c.passes, 'votes', c.votes,
      'satisfied_by', c.satisfied_by, 'result', c.result, 'grant_id', c.grant_id,
      'age_ms', floor(extract(epoch from clock_timestamp() - c.claimed_at) * 1000),
      'lease_ms', ms_until(c.lease_until)) end,
    'receipt', case when r.operation_id is null then null else jsonb_build_object('status', r.status,
      'receipt', jws_payload(r.jws)) end,
    'votes', (select coalesce(jsonb_agg(v.vote order by v.ordinal), '[]') from votes v
      where v.tenant_id = tenant and v.operation_id = operation),
    'voters', (select coalesce(jsonb_object_agg(v.vote ->> 'by', voter_of(tenant, v.vote ->> 'by')), '{}') from votes v
      where v.tenant_id = tenant and v.operation_id = operation and v.vote ->> 'by' is not null),
    'voter_keys', (select coalesce(jsonb_object_agg(k.kid, jsonb_build_object('public_jwk', k.public_jwk,
        'by', k.principal_id, 'revoked', k.revoked_at is not null)), '{}') from operator_keys k join votes v on v.tenant_id = tenant
        and v.operation_id = operation and v.vote ->> 'by' = k.principal_id where k.tenant_id = tenant),
    'leaves', (select coalesce(jsonb_agg(encode(l.leaf_hash, 'hex') order by l.id), '[]') from audit_leaves l
      where l.tenant_id = tenant and l.operation_id = operation
        and l.kind in ('operation.requested', 'operation.pending', 'vote.accepted', 'effect.intent')),
    'facts', case when whole then (select case
          when jsonb_typeof(f -> 'principal') = 'object' and key_was_revoked(o.context ->> 'credential_id')
          then jsonb_set(f, '{principal,status}', '"revoked"') else f end from facts_of(o.intent, o.plan) f) else '{}' end,
    'view', case when whole then views_of(tenant, o.plan -> 'view') end,
    'batch_items', case when o.plan ? 'batch' then batch_items_of(tenant, operation) end,
    -- Of the requester, of whoever it asks for and, where somebody cancelled it, of them too.
    'train_ok', train_ok_of(tenant, o.principal_id, o.person_id) and (o.intent -> 'on_behalf_of' = 'null' or train_ok_behind(tenant, o.intent, o.plan))
      and (o.cancel is null or train_ok_of(tenant, o.cancel ->> 'by', null)),
    'now', iso(clock_timestamp()));
end $$;

grant execute on function decimal_text(numeric), facts_of(jsonb, jsonb), view_of(text, jsonb),
  read_pass(text, text, boolean, boolean) to guard, control;
grant execute on function decimal_text(numeric), view_of(text, jsonb), policy_document(text) to app;
grant execute on function lock_json(strategy_locks) to app, guard, control, sequencer;
grant execute on function firearms_of(jsonb), temperature_of(text, text), egress_row(egress_targets) to app, guard, control;
grant execute on function policy_document(text) to guard, control;
grant execute on function control_row(text, text, jsonb), control_rows(text, text) to app, guard, control;
