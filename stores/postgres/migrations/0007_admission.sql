-- The edge in one round trip: who calls, for which tenant, from which registered place, and at what rate.

create function iso(at timestamptz) returns text language sql immutable as
$$ select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') $$;

-- Takes one call from the window, or takes none and says how long to wait. A window starts with its first call. The row is held
-- while it is counted, so that of many at once no more pass than may.
create function take_call(p_tenant text, p_principal text, p_class text) returns jsonb language plpgsql as $$
declare
  allowed integer; seconds integer; w rate_windows%rowtype; at timestamptz;
begin
  select r.max_calls, r.window_seconds into allowed, seconds from rate_limits r
    where r.tenant_id = p_tenant and r.class = p_class;
  if not found then allowed := 600; seconds := 60; end if;
  insert into rate_windows (tenant_id, principal_id, class, started_at, calls)
    values (p_tenant, p_principal, p_class, clock_timestamp(), 0) on conflict (tenant_id, principal_id, class) do nothing;
  select * into w from rate_windows r where r.tenant_id = p_tenant and r.principal_id = p_principal and r.class = p_class
    for update;
  at := clock_timestamp();
  if w.started_at + make_interval(secs => seconds) <= at then w.started_at := at; w.calls := 0; end if;
  if w.calls < allowed then
    update rate_windows r set started_at = w.started_at, calls = w.calls + 1
      where r.tenant_id = p_tenant and r.principal_id = p_principal and r.class = p_class;
  end if;
  return jsonb_build_object('limited', w.calls >= allowed, 'limit', allowed,
    'retry_after', greatest(1, ceil(extract(epoch from w.started_at + make_interval(secs => seconds) - at))::integer));
end $$;

-- Gives a call back: refused calls do not count.
create function return_call(p_tenant text, p_principal text, p_class text) returns void language plpgsql as $$
begin
  perform set_config('app.tenant', p_tenant, true);
  perform set_config('synchronous_commit', 'off', true);
  update rate_windows set calls = greatest(0, calls - 1)
    where tenant_id = p_tenant and principal_id = p_principal and class = p_class;
end $$;

-- Whether nobody in whose name an operation is asked has said otherwise; the plan leaves the persons of all of them out.
create function train_ok_behind(tenant text, intent jsonb, plan jsonb) returns boolean language sql stable as $$
  select case when jsonb_typeof(intent -> 'on_behalf_of') = 'array' then not exists (select from train_prefs t
    where t.tenant_id = tenant and t.opt_out and t.principal_id <> '' and (intent -> 'on_behalf_of' ? t.principal_id
      or plan #> '{approval,excluded_persons}' ? t.person_id)) else true end
$$;

-- In whose name something is asked, in their order, as facts tell it. Stable, so that it sees what its caller sees.
create function represented_of(tenant text, principals jsonb) returns jsonb language sql stable as $$
  select jsonb_build_object('on_behalf_of', jsonb_agg(case when p.id is not null then jsonb_build_object('id', p.id,
      'kind', p.kind, 'person_id', p.person_id, 'status', p.status, 'membership', coalesce(m.status, 'none')) end order by b.place))
    from jsonb_array_elements_text(principals) with ordinality b (id, place) left join principals p on p.id = b.id
    left join memberships m on m.tenant_id = tenant and m.principal_id = b.id
$$;
grant execute on function train_ok_behind(text, jsonb, jsonb) to app, guard, control, sequencer;
grant execute on function represented_of(text, jsonb) to guard, control;

-- Who would vote, or has: what they are and may do now.
create function voter_of(tenant text, principal text) returns jsonb language sql stable as $$
  select jsonb_build_object('principal_id', p.id, 'kind', p.kind, 'person_id', p.person_id, 'status', p.status,
      'platform_role', p.platform_role, 'role', m.role, 'membership_permissions', coalesce(to_jsonb(m.permissions), '[]'),
      'has_active_key', exists (select from operator_keys a where a.tenant_id = tenant
        and a.principal_id = p.id and a.revoked_at is null))
    from principals p left join memberships m on m.tenant_id = tenant and m.principal_id = p.id and m.status = 'active'
    where p.id = principal
$$;
grant execute on function voter_of(text, text) to app, guard, control;

-- Whom the subjects of one issuer are, in their order; null for one that is nobody.
create function principals_of(p_issuer text, subjects jsonb) returns text[] language sql stable as $$
  select array(select (select s.principal_id from oidc_subjects s where s.issuer = p_issuer and s.subject = n.name)
    from jsonb_array_elements_text(subjects) with ordinality n (name, place) order by n.place)
$$;

-- Everybody is somebody, nobody is two of them, and the platform's operators neither act for others nor have others act.
create function may_delegate(principal_ids text[]) returns boolean language sql stable as $$
  select array_position(principal_ids, null) is null and count(*) = cardinality(principal_ids)
    from principals p where p.id = any (principal_ids) and p.platform_role is null
$$;

-- An API key is known by id and hash of its secret, an access token (whose signature was verified) by issuer and subject,
-- between two instants of this clock. Who acts for that subject is a subject of the same issuer: then the current actor calls,
-- and those in whose name it does are told besides. A ticket is redeemed once, however many show it, and speaks for whoever
-- the credential it was given for still speaks for, in the place it was asked from. Whoever votes on an operation is told in
-- the same round trip what the vote is judged by, as the tenant that was chosen sees it.
create function admit(p_credential jsonb, p_tenant text, p_project text, p_surface text, p_app text,
  p_rate_class text, p_votes_on text) returns jsonb language plpgsql security definer set search_path = public, pg_temp as $$
declare
  at timestamptz := clock_timestamp(); speaks_for text; only_tenants text[]; used timestamptz; credential jsonb; p principals%rowtype;
  ticket stream_tickets%rowtype; members jsonb; usable text[]; chosen text; rate jsonb; places_found jsonb; train_ok boolean;
  behind text[]; asked_for jsonb; voting jsonb;
begin
  if p_credential ->> 'kind' = 'ticket' then
    perform set_config('app.ticket', p_credential ->> 'secret_sha256', true);
    delete from stream_tickets t where t.secret_sha256 = p_credential ->> 'secret_sha256'
      and t.stream = p_credential ->> 'stream' and t.expires_at > at returning * into ticket;
    if not found then return jsonb_build_object('now', iso(at), 'principal', null); end if;
    p_credential := ticket.credential;
    p_tenant := nullif(ticket.tenant_id, 't_system');
    p_project := ticket.project_id; p_surface := ticket.surface_id; p_app := ticket.app_id;
  end if;
  if p_credential ->> 'kind' = 'key' then
    select k.principal_id, k.tenants, coalesce(k.last_used_at, '-infinity'),
        jsonb_build_object('id', k.id, 'expires_at', iso(k.expires_at), 'permissions', k.permissions)
      into speaks_for, only_tenants, used, credential from api_keys k
      where k.id = p_credential ->> 'id' and (ticket.tenant_id is not null or k.secret_hash = decode(p_credential ->> 'secret_sha256', 'hex'))
        and k.revoked_at is null and k.expires_at > at;
  else
    select s.principal_id, jsonb_build_object('id', p_credential ->> 'id', 'permissions', p_credential -> 'permissions',
        'expires_at', iso(to_timestamp((p_credential ->> 'expires_at')::float8)))
      into speaks_for, credential from oidc_subjects s
      where s.issuer = p_credential ->> 'issuer' and s.subject = p_credential ->> 'subject'
        and to_timestamp((p_credential ->> 'not_before')::float8) <= at
        and to_timestamp((p_credential ->> 'not_after')::float8) > at;
  end if;
  if speaks_for is not null and p_credential ? 'actors' then
    behind := principals_of(p_credential ->> 'issuer', p_credential -> 'actors') || speaks_for;
    speaks_for := case when may_delegate(behind) then behind[1] end;
    behind := behind[2:];
  end if;
  if speaks_for is null or speaks_for <> coalesce(ticket.principal_id, speaks_for) then return jsonb_build_object('now', iso(at), 'principal', null); end if;
  -- Of many requests at once one writes, and none waits for another.
  if used < at - interval '1 minute' then
    perform set_config('synchronous_commit', 'off', true);
    update api_keys set last_used_at = at where id = (select k.id from api_keys k
      where k.id = p_credential ->> 'id' and k.last_used_at is not distinct from nullif(used, '-infinity') for update skip locked);
  end if;
  select * into p from principals where id = speaks_for;
  perform set_config('app.principal', p.id, true);
  select coalesce(jsonb_agg(jsonb_build_object('tenant_id', m.tenant_id, 'role', m.role, 'permissions', m.permissions,
           'status', m.status) order by m.tenant_id), '[]'),
         coalesce(array_agg(m.tenant_id) filter (where m.status = 'active'), '{}')
    into members, usable from memberships m
    where m.principal_id = p.id and (only_tenants is null or m.tenant_id = any (only_tenants));
  if p.platform_role is not null and p_tenant is null then chosen := 't_system';
  elsif p_tenant is not null and p_tenant = any (usable) then chosen := p_tenant;
  elsif p_tenant is null and array_length(usable, 1) = 1 then chosen := usable[1];
  end if;
  if chosen is not null then
    perform set_config('app.tenant', chosen, true);
    select jsonb_build_object(
      'project', p_project is null or exists (select from places where kind = 'project' and id = p_project and status = 'active'),
      'surface', exists (select from places where kind = 'surface' and id = p_surface and status = 'active'),
      'app', exists (select from places where kind = 'app' and id = p_app and status = 'active')) into places_found;
    train_ok := train_ok_of(chosen, p.id, p.person_id);
    if p_rate_class is not null and p.status = 'active' then
      perform set_config('synchronous_commit', 'off', true);
      rate := take_call(chosen, p.id, p_rate_class);
    end if;
  end if;
  if behind is not null then
    select jsonb_agg(jsonb_build_object('id', b.id, 'kind', q.kind, 'person_id', q.person_id, 'status', q.status, 'role', m.role,
        'permissions', coalesce(m.permissions, '{}'), 'membership', coalesce(m.status, 'none')) order by b.place),
        train_ok and bool_and(train_ok_of(chosen, q.id, q.person_id))
      into asked_for, train_ok from unnest(behind) with ordinality b (id, place) join principals q on q.id = b.id
      left join memberships m on m.tenant_id = chosen and m.principal_id = q.id;
  end if;
  if chosen is not null and p_votes_on is not null and (rate -> 'limited') = 'false' then
    -- Nobody's own rows of other tenants are to be seen any more.
    perform set_config('app.principal', '', true);
    voting := jsonb_build_object('operation', operation_row(chosen, p_votes_on), 'context', vote_context(chosen, p_votes_on, '', p.id));
  end if;
  return jsonb_build_object('now', iso(clock_timestamp()), 'tenant_id', chosen, 'memberships', members,
    'principal', jsonb_build_object('id', p.id, 'kind', p.kind, 'name', p.name, 'person_id', p.person_id,
      'platform_role', p.platform_role, 'status', p.status),
    'credential', credential,
    'places', places_found, 'rate', rate, 'train_ok', train_ok, 'voting', voting,
    'asked_from', case when ticket.tenant_id is not null then jsonb_build_object('tenant_id', p_tenant, 'project_id', p_project,
      'surface_id', p_surface, 'app_id', p_app) end)
    || case when behind is null then '{}' else jsonb_build_object('on_behalf_of', asked_for) end;
end $$;
grant execute on function iso(timestamptz) to app, guard, control, sequencer, stop, auditor;
grant execute on function take_call(text, text, text), return_call(text, text, text) to app;
grant execute on function admit(jsonb, text, text, text, text, text, text) to app;

-- Keys are seen, ended and revoked in the one tenant they are for; those of the platform in t_system. Nobody else can
-- read the table, and what these functions write only tightens.
create function api_keys_of(tenant text) returns setof jsonb language sql stable security definer
  set search_path = public, pg_temp as $$
  select jsonb_build_object('id', k.id, 'principal_id', k.principal_id, 'permissions', k.permissions, 'tenants', k.tenants,
      'created_at', iso(k.created_at), 'expires_at', iso(k.expires_at), 'revoked_at', iso(k.revoked_at),
      'last_used_at', iso(date_trunc('minute', k.last_used_at)),
      'state', case when k.revoked_at is not null then 'revoked' when k.expires_at <= clock_timestamp() then 'expired' else 'active' end)
    from api_keys k
    where case when tenant = 't_system' then k.tenants is null else k.tenants = array[tenant] end
    order by k.created_at, k.id
$$;

-- What was asked with a key that is revoked since is not done any more: who revokes one may not know what it was used for.
create function key_was_revoked(key text) returns boolean language sql stable security definer
  set search_path = public, pg_temp as $$
  select exists (select from api_keys k where k.id = key and k.revoked_at is not null)
$$;

create function end_api_key(tenant text, key text, of_principal text, overlap_seconds integer) returns boolean
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  update api_keys k set expires_at = least(k.expires_at, clock_timestamp() + make_interval(secs => least(overlap_seconds, 86400)))
    where k.id = key and k.principal_id = of_principal and k.revoked_at is null and k.expires_at > clock_timestamp()
      and case when tenant = 't_system' then k.tenants is null else k.tenants = array[tenant] end;
  return found;
end $$;

-- Whoever takes an owner away comes after whoever did so before: of two who go at once one stays.
create function lock_owners(tenant text) returns void language sql volatile as
$$ select pg_advisory_xact_lock(hashtextextended('exo owners ' || tenant, 0)) $$;

-- Whether the tenant that is set has this owner and no other. A platform needs two operators, one to ask and one to vote.
create function is_last_owner(tenant text, which text) returns boolean language sql volatile as $$
  select case when tenant = 't_system' then
    exists (select from principals p where p.id = which and p.platform_role is not null and p.status = 'active')
      and (select count(*) from principals p where p.id <> which and p.platform_role is not null and p.status = 'active') < 2
  else
    exists (select from memberships m join principals p on p.id = m.principal_id where m.tenant_id = tenant
      and m.principal_id = which and m.role = 'owner' and m.status = 'active' and p.status = 'active')
    and not exists (select from memberships m join principals p on p.id = m.principal_id where m.tenant_id = tenant
      and m.principal_id <> which and m.role = 'owner' and m.status = 'active' and p.status = 'active')
  end
$$;

-- Answers done, absent, or required: the last owner of any tenant stays.
create function revoke_identity(tenant text, what text, which text, only_of text) returns text
  language plpgsql security definer set search_path = public, pg_temp as $$
declare owned text;
begin
  perform set_config('app.tenant', tenant, true);
  case what
    when 'api_key' then
      update api_keys k set revoked_at = clock_timestamp()
        where k.id = which and k.revoked_at is null and (only_of is null or k.principal_id = only_of)
          and case when tenant = 't_system' then k.tenants is null else k.tenants = array[tenant] end;
    when 'membership' then
      perform lock_owners(tenant);
      if only_of is null and is_last_owner(tenant, which) then return 'required'; end if;
      update memberships m set status = 'revoked', changed_at = clock_timestamp()
        where m.tenant_id = tenant and m.principal_id = which and m.status = 'active' and only_of is null;
    when 'principal' then
      if only_of is not null or not exists (select from principals p where p.id = which and p.status = 'active'
          and case when tenant = 't_system' then p.platform_role is not null else p.home_tenant = tenant end) then
        return 'absent';
      end if;
      perform set_config('app.principal', which, true);
      for owned in select m.tenant_id from memberships m where m.principal_id = which and m.role = 'owner'
          and m.status = 'active' union select 't_system' where tenant = 't_system' order by 1 loop
        perform set_config('app.tenant', owned, true);
        perform lock_owners(owned);
        if is_last_owner(owned, which) then return 'required'; end if;
      end loop;
      perform set_config('app.tenant', tenant, true), set_config('app.principal', '', true);
      update principals p set status = 'revoked' where p.id = which and p.status = 'active';
  end case;
  return case when found then 'done' else 'absent' end;
end $$;
grant execute on function is_last_owner(text, text) to app, guard, control;
grant execute on function lock_owners(text) to control;
grant execute on function api_keys_of(text), revoke_identity(text, text, text, text) to app;
grant execute on function end_api_key(text, text, text, integer) to control;
grant execute on function key_was_revoked(text) to guard, control;

-- Opens an operation, or finds the one this key already names. Row, leaf and (by its missing run) the wish to start
-- it are one transaction.
create function open_operation(o jsonb, leaf text) returns jsonb language plpgsql as $$
declare found_id text; found_hash text;
begin
  perform set_config('app.tenant', o ->> 'tenant_id', true);
  insert into operations (tenant_id, id, action, principal_id, principal_kind, person_id, project_id, intent, plan,
      intent_hash, plan_hash, proposal, context, reason, idempotency_key, request_hash, undo_of, approval)
    values (o ->> 'tenant_id', o ->> 'id', o ->> 'action', o ->> 'principal_id', o ->> 'principal_kind',
      o ->> 'person_id', o ->> 'project_id', o -> 'intent', o -> 'plan', o ->> 'intent_hash', o ->> 'plan_hash',
      o ->> 'proposal', o -> 'context', o ->> 'reason', o ->> 'idempotency_key', o ->> 'request_hash', o ->> 'undo_of', '{}')
    on conflict (tenant_id, principal_id, idempotency_key) do nothing;
  if not found then
    select id, request_hash into found_id, found_hash from operations
      where tenant_id = o ->> 'tenant_id' and principal_id = o ->> 'principal_id'
        and idempotency_key = o ->> 'idempotency_key';
    return jsonb_build_object('created', false, 'id', found_id, 'same', found_hash = o ->> 'request_hash');
  end if;
  insert into audit_leaves (tenant_id, kind, operation_id, request_id, entry)
    values (o ->> 'tenant_id', 'operation.requested', o ->> 'id', o -> 'context' ->> 'request_id', decode(leaf, 'base64'));
  return jsonb_build_object('created', true, 'id', o ->> 'id', 'same', true);
end $$;
grant execute on function open_operation(jsonb, text) to app;
