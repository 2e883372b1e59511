-- What the gates read. Every row is a tenant's; rows of t_system are the platform's and every tenant may read them.

create sequence switch_epoch;

-- Changes of a tenant's switches take their epochs one after another and hold the lock until they commit, so that who has
-- read an epoch has read every change before it. models/fence.pml shows what happens otherwise.
create function next_switch_epoch(tenant text) returns bigint language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('exo switches ' || tenant, 0));
  return nextval('switch_epoch');
end $$;

create table kill_switches (
  tenant_id text not null references tenants check (tenant_id <> ''),
  kind text not null check (kind in ('all', 'action', 'provider', 'class')),
  value text not null default '',
  state text not null check (state in ('running', 'stopped')),
  hold text check (hold in ('owner', 'platform')),
  epoch bigint not null,
  reason text check (length(reason) between 1 and 500),
  changed_by text not null,
  changed_at timestamptz not null default clock_timestamp(),
  leaf_hash text,
  primary key (tenant_id, kind, value),
  check ((kind = 'all') = (value = ''))
);

create table switch_drains (
  tenant_id text not null check (tenant_id <> ''),
  epoch bigint not null,
  requested_at timestamptz not null default clock_timestamp(),
  drained_at timestamptz,
  open_operations jsonb not null default '[]',
  primary key (tenant_id, epoch)
);

create table policy_versions (
  tenant_id text not null check (tenant_id <> ''),
  version integer not null,
  changed_by text not null,
  -- Null where one person's record did it: a grant that was revoked.
  operation_id text,
  changed_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, version)
);

create table license_types (
  tenant_id text not null check (tenant_id <> ''),
  id text not null,
  name text not null,
  primary key (tenant_id, id)
);

create table firearm_policies (
  tenant_id text not null check (tenant_id <> ''),
  action text not null,
  license_types text[] not null,
  strategy_lock_required boolean not null default false,
  primary key (tenant_id, action)
);

create table license_grants (
  tenant_id text not null check (tenant_id <> ''),
  id text not null,
  principal_id text not null,
  license_type text not null,
  actions text[] not null,
  project_id text,
  surface_id text,
  expires_at timestamptz not null,
  standing jsonb,
  granted_by_person text not null,
  revoked_at timestamptz,
  used_count bigint not null default 0 check (used_count >= 0),
  used_amount numeric(18, 6) not null default 0 check (used_amount >= 0),
  primary key (tenant_id, id)
) with (fillfactor = 10); -- Each use makes a version of the row: with room, the old ones go early.

-- The last lock on a standing grant's limits, whatever the guard computed. Only using is refused: a limit may be cut
-- below what was used already, and the grant is then exhausted.
create function license_grants_keep_limits() returns trigger language plpgsql as $$
begin
  if new.standing is not null and new.used_count > old.used_count and (new.used_count > (new.standing ->> 'max_count')::bigint
      or new.used_amount > (new.standing ->> 'max_amount')::numeric) then
    raise exception 'license_grants: % is spent', new.id using errcode = '23514';
  end if;
  return new;
end $$;
create trigger keep_limits before update of used_count, used_amount on license_grants
  for each row execute function license_grants_keep_limits();

create index license_grants_by_principal on license_grants (tenant_id, principal_id) where revoked_at is null;

create table lock_policies (
  tenant_id text not null check (tenant_id <> ''),
  action text not null,
  surface_id text not null default '*',
  required boolean not null,
  primary key (tenant_id, action, surface_id)
);

-- The rule of domain/three-wise.ts once more, so that no column can say APPROVE which the opinions do not.
create function three_wise_verdict(opinions jsonb) returns text language sql immutable as $$
  select case
    when jsonb_array_length(opinions) <> 3 then 'UNSURE'
    when count(*) filter (where o ->> 'verdict' = 'APPROVE') >= 2 and count(*) filter (where o ->> 'verdict' = 'REJECT') = 0 then 'APPROVE'
    when count(*) filter (where o ->> 'verdict' = 'REJECT') >= 2 then 'REJECT'
    else 'UNSURE' end
  from jsonb_array_elements(opinions) o
$$;

create table three_wise_questions (
  tenant_id text not null check (tenant_id <> ''),
  id text not null,
  ordinal bigint generated always as identity,
  question text not null,
  -- The action, target and input that the verdict will be about, and their hash as plans carry it.
  binds jsonb not null default '{}',
  binding_hash text not null,
  opinions jsonb not null default '[]',
  verdict text not null generated always as (three_wise_verdict(opinions)) stored,
  asked_by text not null,
  -- Who counts as the asker: the person, or a principal that nobody owns.
  asked_by_reviewer text not null default '',
  asked_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  primary key (tenant_id, id)
);

create table strategy_locks (
  tenant_id text not null check (tenant_id <> ''),
  id text not null,
  ordinal bigint generated always as identity,
  version integer not null default 1,
  status text not null default 'draft' check (status in ('draft', 'approved', 'rejected', 'expired', 'revoked')),
  title text not null,
  allowed_actions text[] not null,
  surface_id text not null,
  project_id text,
  valid_from timestamptz not null,
  valid_until timestamptz not null,
  constraints jsonb,
  three_wise_id text,
  content_hash text not null,
  created_by text not null,
  -- Who wrote this version, with which credential, and every person who ever wrote one: none of them approves it.
  drafted_by text not null default '',
  drafted_with text not null default '',
  authors text[] not null default '{}',
  approved_by text,
  -- Who rejected or revoked it, and why.
  closed_by text,
  closed_reason text,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, id),
  foreign key (tenant_id, three_wise_id) references three_wise_questions (tenant_id, id),
  check (valid_until > valid_from)
);

create table budget_policies (
  tenant_id text not null check (tenant_id <> ''),
  surface_id text not null default '',
  app_id text not null default '',
  action text not null default '',
  threshold numeric(18, 6) check (threshold >= 0),
  daily_cap numeric(18, 6) check (daily_cap >= 0),
  window_days integer not null default 7 check (window_days between 1 and 90),
  primary key (tenant_id, surface_id, app_id, action)
);

-- What was or may be spent. An operation has one entry, which its guard writes; the rest was posted by who executed something.
create table budget_entries (
  tenant_id text not null check (tenant_id <> ''),
  ordinal bigint generated always as identity,
  id text not null default 'bu_' || replace(gen_random_uuid()::text, '-', ''),
  source text not null check (source in ('operation', 'posted')),
  operation_id text,
  action text not null,
  principal_id text not null,
  project_id text,
  surface_id text,
  app_id text,
  request_id text, trace_id text, run_id text, step_id text,
  idempotency_key text, request_hash text,
  amount numeric(18, 6) not null check (amount >= 0),
  state text not null check (state in ('reserved', 'settled', 'released')),
  at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, ordinal),
  check (case source when 'operation' then operation_id is not null else state = 'settled' end)
);
create unique index budget_entries_of_operation on budget_entries (tenant_id, operation_id) where source = 'operation';
create unique index budget_entries_of_key on budget_entries (tenant_id, principal_id, idempotency_key) where source = 'posted';
create index budget_entries_by_time on budget_entries (tenant_id, at) where state <> 'released' and amount > 0;

create table kpi_definitions (
  tenant_id text not null check (tenant_id <> ''),
  surface_id text not null,
  kpi text not null,
  unit text not null,
  window_seconds integer not null check (window_seconds > 0),
  primary key (tenant_id, surface_id, kpi)
);

create table kpi_corridors (
  tenant_id text not null check (tenant_id <> ''),
  surface_id text not null,
  kpi text not null,
  floor numeric(18, 6),
  ceiling numeric(18, 6),
  max_age_seconds integer not null default 86400 check (max_age_seconds > 0),
  primary key (tenant_id, surface_id, kpi),
  check (floor is null or ceiling is null or floor <= ceiling)
);

create table kpi_raw (
  tenant_id text not null check (tenant_id <> ''),
  surface_id text not null,
  kpi text not null,
  value numeric(18, 6) not null,
  measured_at timestamptz not null,
  measured_by text not null,
  id bigint generated always as identity,
  primary key (tenant_id, surface_id, kpi, measured_at, id)
);

create table temperature_limits (
  tenant_id text not null check (tenant_id <> ''),
  surface_id text not null,
  floors jsonb not null default '{}',
  ceilings jsonb not null default '{}',
  weights jsonb not null default '{}',
  primary key (tenant_id, surface_id)
);

create table waivers (
  tenant_id text not null check (tenant_id <> ''),
  gate text not null check (gate in ('budget', 'kpi', 'temperature')),
  selector text not null check (selector in ('action', 'class')),
  value text not null,
  until timestamptz not null,
  reason text not null,
  waived_by text not null,
  primary key (tenant_id, gate, selector, value)
);

create table rate_limits (
  tenant_id text not null check (tenant_id <> ''),
  class text not null check (class in ('mutation', 'read', 'decision')),
  max_calls integer not null check (max_calls > 0),
  window_seconds integer not null check (window_seconds > 0),
  primary key (tenant_id, class)
);

create table rate_windows (
  tenant_id text not null check (tenant_id <> ''),
  principal_id text not null,
  class text not null,
  started_at timestamptz not null,
  calls integer not null,
  primary key (tenant_id, principal_id, class)
) with (fillfactor = 10); -- as license_grants

create table feature_flags (
  tenant_id text primary key check (tenant_id <> ''),
  flags jsonb not null
);

-- Who wants nothing of theirs to be learned from. The tenant's own row has no principal.
create table train_prefs (
  tenant_id text not null check (tenant_id <> ''),
  principal_id text not null default '',
  -- The person behind the principal: a person speaks for every agent of theirs.
  person_id text,
  opt_out boolean not null,
  changed_by text not null,
  changed_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, principal_id)
);
create index train_prefs_of_person on train_prefs (tenant_id, person_id) where opt_out;

-- Whether what this principal does may be learned from. The tenant must have said so, and nobody may have said otherwise
-- for themselves: a row that is not there is a no of the tenant, and no word of anybody else.
create function train_ok_of(tenant text, principal text, person text) returns boolean language sql stable as $$
  select coalesce((select not t.opt_out from train_prefs t where t.tenant_id = tenant and t.principal_id = ''), false)
    and not exists (select from train_prefs t where t.tenant_id = tenant and t.opt_out and t.principal_id <> ''
      and (t.principal_id = principal or t.person_id = person))
$$;

create table egress_targets (
  tenant_id text not null check (tenant_id <> ''),
  origin text not null,
  methods text[] not null,
  idempotency_header text,
  allowed_headers text[] not null default '{}',
  -- [{header, secret}]: the name of a secret, never its value.
  secret_headers jsonb not null default '[]',
  primary key (tenant_id, origin)
);
