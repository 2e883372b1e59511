-- The log: leaves are written with the thing they speak of; one sequencer gives them their index afterwards.

create table audit_leaves (
  id bigint generated always as identity primary key,
  tenant_id text not null check (tenant_id <> ''),
  seq bigint,
  kind text not null,
  operation_id text,
  request_id text,
  entry bytea not null,
  leaf_hash bytea not null generated always as (sha256('\x00'::bytea || entry)) stored,
  at timestamptz not null default clock_timestamp(),
  unique (tenant_id, seq)
);
create index audit_leaves_unindexed on audit_leaves (tenant_id, id) include (at) where seq is null;
create index audit_leaves_by_operation on audit_leaves (tenant_id, operation_id, id);
create index audit_leaves_by_request on audit_leaves (tenant_id, request_id);

-- Facts name the platform's switch by the leaf that set it.
create index audit_leaves_of_platform on audit_leaves (leaf_hash) where tenant_id = 't_system';

-- Bytes once written stay: only the index may be filled in, once.
create function audit_leaves_append_only() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' then raise exception 'audit leaves are append-only' using errcode = 'EXO02'; end if;
  if old.seq is not null or new.seq is null or new.entry <> old.entry or new.tenant_id <> old.tenant_id
     or new.kind <> old.kind or new.id <> old.id or new.at <> old.at then
    raise exception 'audit leaves are append-only' using errcode = 'EXO02';
  end if;
  return new;
end $$;
create trigger append_only before update or delete on audit_leaves
  for each row execute function audit_leaves_append_only();

create table audit_nodes (
  tenant_id text not null check (tenant_id <> ''),
  level smallint not null,
  index bigint not null,
  hash bytea not null,
  primary key (tenant_id, level, index)
);

create table audit_heads (
  tenant_id text primary key check (tenant_id <> ''),
  size bigint not null,
  root bytea not null,
  frontier bytea[] not null,
  checkpoint text not null,
  -- Of the head whose copy lies outside the database.
  mirrored_size bigint not null default 0,
  signed_at timestamptz not null default clock_timestamp()
);

create table audit_sequencer (
  singleton boolean primary key default true check (singleton),
  alive_at timestamptz not null,
  self_check_ok boolean not null,
  self_check_at timestamptz not null
);
