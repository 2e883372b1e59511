-- One governed run of an action: its row, votes, claim, receipt, seal, and the outbox that wakes Temporal.

create table operations (
  tenant_id text not null references tenants check (tenant_id <> ''),
  id text not null,
  ordinal bigint generated always as identity,
  status text not null default 'evaluating',
  action text not null,
  principal_id text not null,
  principal_kind text not null,
  person_id text,
  project_id text,
  intent jsonb not null,
  plan jsonb not null,
  intent_hash text not null,
  plan_hash text not null,
  proposal text not null,
  context jsonb not null,
  reason text,
  idempotency_key text not null,
  request_hash text not null,
  preview jsonb,
  shown_hash text,
  decision_hash text,
  passes jsonb not null default '[]',
  approval jsonb not null default '{}',
  error jsonb,
  undo_of text,
  undone_by text,
  resolved_by text,
  cancel jsonb,
  run_id text,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz
);
create index operations_newest on operations (tenant_id, ordinal desc);
create index operations_by_status on operations (tenant_id, status, ordinal desc);
create index operations_open on operations (tenant_id, created_at) where ended_at is null;
create index operations_of_uploads on operations (tenant_id, (intent -> 'input' ->> 'asset_id')) where action = 'raw.register';
-- On an empty table all indexes cost the same and the planner takes the newest: a plan that a connection keeps would read a
-- whole tenant for one row until the table is analysed. So keys come last, and only one of a table's begins with the tenant.
alter table operations add primary key (tenant_id, id);
alter table operations add unique (principal_id, idempotency_key, tenant_id);

-- The lifecycle table of domain/lifecycle.ts, enforced once more: a final status never changes.
create function operations_keep_lifecycle() returns trigger language plpgsql as $$
begin
  if new.status is distinct from old.status then
    if not (old.status, new.status) in (
      ('evaluating', 'pending_approval'), ('evaluating', 'executing'), ('evaluating', 'executed'),
      ('evaluating', 'proposed'), ('evaluating', 'blocked'), ('evaluating', 'cancelled'), ('evaluating', 'failed'),
      ('evaluating', 'unknown'), ('pending_approval', 'executing'), ('pending_approval', 'executed'),
      ('pending_approval', 'blocked'), ('pending_approval', 'denied'), ('pending_approval', 'expired'),
      ('pending_approval', 'cancelled'), ('pending_approval', 'failed'), ('pending_approval', 'unknown'),
      ('executing', 'executed'), ('executing', 'failed'), ('executing', 'unknown')) then
      raise exception 'operation % may not go from % to %', old.id, old.status, new.status using errcode = 'EXO01';
    end if;
    if new.status not in ('pending_approval', 'executing') then new.ended_at := clock_timestamp(); end if;
  end if;
  new.updated_at := clock_timestamp();
  return new;
end $$;
create trigger keep_lifecycle before update on operations for each row execute function operations_keep_lifecycle();

create table votes (
  tenant_id text not null check (tenant_id <> ''),
  operation_id text not null,
  ordinal bigint generated always as identity,
  person_id text not null,
  vote jsonb not null,
  nonce text not null,
  jws_hash text not null,
  at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, operation_id, person_id),
  unique (nonce, tenant_id),
  check (coalesce(vote ->> 'person_id' = person_id and vote ->> 'nonce' = nonce, false)),
  foreign key (tenant_id, operation_id) references operations (tenant_id, id)
);

create table claims (
  tenant_id text not null check (tenant_id <> ''),
  operation_id text not null,
  effect_key text not null,
  kind text not null,
  state text not null check (state in ('claimed', 'dispatched', 'committed', 'failed', 'unknown')),
  attempts integer not null default 1,
  -- Facts and verdicts of every pass: what a re-run must see again, whatever changed since.
  passes jsonb not null,
  -- What the claim rested on, for an outcome that comes when the voters may be gone.
  votes jsonb not null default '[]',
  satisfied_by text,
  result jsonb,
  grant_id text,
  lease_until timestamptz,
  claimed_at timestamptz not null default clock_timestamp(),
  outcome_at timestamptz,
  -- People have said what became of it, where nobody could tell.
  resolved_at timestamptz,
  primary key (tenant_id, operation_id),
  unique (effect_key, tenant_id),
  foreign key (tenant_id, operation_id) references operations (tenant_id, id)
);

create table receipts (
  tenant_id text not null check (tenant_id <> ''),
  operation_id text not null,
  status text not null,
  -- The receipt itself is its payload: jws_payload(jws).
  jws text not null,
  at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, operation_id),
  foreign key (tenant_id, operation_id) references operations (tenant_id, id)
);

-- Mostly hashes, and base64 of them: compressing takes longer than writing.
alter table receipts alter column jws set storage external;
alter table operations alter column passes set storage external;
alter table claims alter column passes set storage external;

-- The text inside a compact JWS. `replace` takes a tenth of what `translate` and `rpad` take, which go by characters.
create function jws_payload(jws text) returns text language sql immutable strict as $$
  select convert_from(decode(replace(replace(split_part(jws, '.', 2), '-', '+'), '_', '/')
    || repeat('=', -octet_length(split_part(jws, '.', 2)) & 3), 'base64'), 'UTF8')
$$;

create table seals (
  tenant_id text not null check (tenant_id <> ''),
  operation_id text not null,
  jws text not null,
  bundle_key text not null,
  at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, operation_id),
  foreign key (tenant_id, operation_id) references receipts (tenant_id, operation_id)
);

-- Whether a time that was put down has come. Nothing is put off for a minute: one that lies further ahead was put down by a
-- clock that was wrong, and would otherwise be waited for until then.
create function has_come(at timestamptz) returns boolean language sql volatile as $$
  select at <= clock_timestamp() or at > clock_timestamp() + interval '1 minute'
$$;

create function ms_until(at timestamptz) returns numeric language sql volatile as $$
  select case when at is null then null when has_come(at) then 0
    else ceil(extract(epoch from at - clock_timestamp()) * 1000) end
$$;

create table outbox (
  id bigint generated always as identity primary key,
  tenant_id text not null check (tenant_id <> ''),
  operation_id text not null,
  kind text not null check (kind in ('signal', 'cancel', 'seal', 'review')),
  payload jsonb not null default '{}',
  attempts integer not null default 0,
  due_at timestamptz not null default clock_timestamp()
);
create index outbox_due on outbox (due_at);
create index outbox_by_operation on outbox (tenant_id, operation_id, kind);

-- What somebody was given a ticket to upload: bytes of this length and digest, and no others.
create table raw_assets (
  tenant_id text not null check (tenant_id <> ''),
  asset_id text not null,
  filename text not null,
  content_type text not null,
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  size bigint not null check (size > 0),
  asked_by text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  -- Set by the sweep, once nothing can be uploaded any more: whether it became an asset. Cleared: nothing of it is staged.
  closed_as text check (closed_as in ('registered', 'swept')),
  closed_at timestamptz,
  cleared_at timestamptz,
  primary key (tenant_id, asset_id)
);
create index raw_assets_uncleared on raw_assets (expires_at) where cleared_at is null;

create table notes (
  tenant_id text not null check (tenant_id <> ''),
  id text not null,
  ordinal bigint generated always as identity,
  notebook text not null,
  text text not null,
  labels jsonb not null default '{}',
  operation_id text not null,
  created_at timestamptz not null default clock_timestamp(),
  -- A note that was removed is in no notebook any more, and can be restored.
  removed_at timestamptz,
  primary key (tenant_id, id)
);
create index notes_by_notebook on notes (tenant_id, notebook, ordinal desc);
