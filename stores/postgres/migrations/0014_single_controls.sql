-- Controls one by one: the document's version, each change of a switch, grants with their use, flags in their layers.

-- Changes of a tenant's document come one after another: each holds the lock until it commits, so that what it was compared
-- with is what it changes. Null when the document is not at `base` any more; a null `base` is any. Switches have epochs instead:
-- a stop waits for no document.
create function next_policy_version(tenant text, base integer, who text, operation text) returns integer
  language plpgsql volatile as $$
declare newest integer;
begin
  perform pg_advisory_xact_lock(hashtextextended('exo policy ' || tenant, 0));
  select coalesce(max(version), 0) into newest from policy_versions where tenant_id = tenant;
  if base <> newest then return null; end if;
  insert into policy_versions (tenant_id, version, changed_by, operation_id) values (tenant, newest + 1, who, operation);
  return newest + 1;
end $$;

-- Each change of a switch, whatever made it; a row without a state is a switch that a policy took away.
create table switch_changes (
  tenant_id text not null check (tenant_id <> ''),
  id bigint generated always as identity,
  kind text not null,
  value text not null,
  was text,
  state text,
  hold text,
  epoch bigint not null,
  reason text,
  changed_by text not null,
  changed_at timestamptz not null default clock_timestamp(),
  leaf_hash text,
  primary key (tenant_id, id)
);

create function keep_switch_change() returns trigger language plpgsql as $$
begin
  insert into switch_changes (tenant_id, kind, value, was, state, hold, epoch, reason, changed_by, changed_at, leaf_hash)
    values (new.tenant_id, new.kind, new.value, case tg_op when 'UPDATE' then old.state end, new.state, new.hold, new.epoch,
      new.reason, new.changed_by, new.changed_at, new.leaf_hash);
  return new;
end $$;
create trigger keep_change after insert or update on kill_switches for each row execute function keep_switch_change();

alter table switch_changes enable row level security;
alter table switch_changes force row level security;
create policy own_tenant on switch_changes using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
grant select on switch_changes to app;
grant insert on switch_changes to control;
grant execute on function next_policy_version(text, integer, text, text) to control;

alter table license_grants add column ordinal bigint generated always as identity;

-- Grants as they are listed. One whose amount is spent covers nothing more that costs.
create function grant_item(g license_grants) returns jsonb language sql stable as $$
  select jsonb_build_object('id', g.id, 'principal_id', g.principal_id, 'license_type', g.license_type, 'actions', g.actions,
    'project_id', g.project_id, 'surface_id', g.surface_id, 'expires_at', iso(g.expires_at), 'standing', g.standing,
    'granted_by_person', g.granted_by_person, 'revoked_at', iso(g.revoked_at),
    'state', case when g.revoked_at is not null then 'revoked' when g.expires_at <= clock_timestamp() then 'expired'
      when g.used_count >= (g.standing ->> 'max_count')::bigint or (g.used_amount >= (g.standing ->> 'max_amount')::numeric
        and g.used_amount > 0) then 'exhausted' else 'active' end,
    'used', jsonb_build_object('count', g.used_count, 'amount', decimal_text(g.used_amount)))
$$;

create function flag_layers(tenant text) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'global', coalesce((select f.flags from feature_flags f where f.tenant_id = 't_system'), '{}'),
    'tenant', coalesce((select f.flags from feature_flags f where f.tenant_id = tenant and tenant <> 't_system'), '{}'))
$$;

-- What an action that puts one row answers.
create function standing_row(tenant text, section text, key jsonb) returns jsonb language sql volatile as $$
  select case section
    when 'grants' then (select grant_item(g) from license_grants g where g.tenant_id = tenant and g.id = key ->> 'id')
    when 'feature_flags' then flag_layers(tenant)
    else control_row(tenant, section, key) end
$$;

-- Immediate and one person's: it can only end a grant, and tells the document's readers that it changed.
create function revoke_grant(tenant text, which text, who text) returns jsonb language plpgsql security definer
  set search_path = public, pg_temp as $$
declare g license_grants%rowtype; was jsonb;
begin
  perform set_config('app.tenant', tenant, true);
  if not exists (select from license_grants l where l.tenant_id = tenant and l.id = which and l.revoked_at is null) then
    return null;
  end if;
  perform next_policy_version(tenant, null, who, null);
  select grant_item(l) into was from license_grants l where l.tenant_id = tenant and l.id = which;
  update license_grants l set revoked_at = clock_timestamp()
    where l.tenant_id = tenant and l.id = which and l.revoked_at is null returning * into g;
  return case when found then jsonb_build_object('before', was, 'after', grant_item(g)) end;
end $$;

grant execute on function grant_item(license_grants), flag_layers(text) to app, control;
grant execute on function standing_row(text, text, jsonb) to control;
grant execute on function revoke_grant(text, text, text) to app;
