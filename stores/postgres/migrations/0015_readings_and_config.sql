-- What decisions read of a surface's temperature, and what callers configure of their own: neither decides anything.

-- What decisions read of a surface's temperature, one row for each operation that ended: its history, which reading never adds to.
create table temperature_readings (
  tenant_id text not null check (tenant_id <> ''),
  surface_id text not null,
  ordinal bigint generated always as identity,
  operation_id text not null,
  pass text not null,
  at timestamptz not null,
  facts jsonb not null,
  primary key (tenant_id, surface_id, ordinal)
);

-- What callers configure of their own. It feeds no gate; rows of t_system are everybody's.
create table config_values (
  tenant_id text not null check (tenant_id <> ''),
  scope text not null check (scope in ('system', 'tenant', 'surface')),
  surface_id text not null default '',
  version integer not null check (version > 0),
  entries jsonb not null,
  changed_by text not null,
  changed_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, scope, surface_id),
  check ((scope = 'system') = (tenant_id = 't_system')),
  check ((scope = 'surface') = (surface_id <> ''))
);

-- What the last pass read of the surface's temperature, where that was looked at and set at all.
create function keep_temperature(o operations, passes jsonb) returns void language sql volatile as $$
  insert into temperature_readings (tenant_id, surface_id, operation_id, pass, at, facts)
  select o.tenant_id, o.intent ->> 'surface_id', o.id, last ->> 'pass',
    coalesce((last -> 'facts' ->> 'now')::timestamptz, clock_timestamp()), last -> 'facts' -> 'temperature'
  from (select passes -> -1 as last) p
  where jsonb_typeof(last -> 'facts' -> 'temperature') = 'object' and o.intent ->> 'surface_id' is not null
    and o.plan ->> 'governs' = 'false'
$$;

do $$
declare t text;
begin
  foreach t in array array['temperature_readings', 'config_values'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy own_tenant on %I using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())', t);
  end loop;
end $$;
create policy system_read on config_values for select using (tenant_id = 't_system');

grant select on temperature_readings, config_values to app;
grant insert, update on config_values to app;
grant insert on temperature_readings to guard, control;
grant execute on function keep_temperature(operations, jsonb) to guard, control;
