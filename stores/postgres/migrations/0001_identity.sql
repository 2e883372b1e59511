-- Who exists and where they may act: tenants, persons, principals, memberships, credentials, places.

create function current_tenant() returns text language sql stable as
$$ select nullif(current_setting('app.tenant', true), '') $$;

create table deployment (
  singleton boolean primary key default true check (singleton),
  id text not null,
  mode text not null check (mode in ('lab', 'saas', 'enterprise')),
  lab_credentials boolean not null default false,
  bootstrapped_at timestamptz not null default clock_timestamp()
);

create table tenants (
  id text primary key check (id ~ '\At_[a-z0-9_-]{1,60}\Z'),
  name text not null check (length(name) between 1 and 200),
  status text not null default 'active' check (status in ('active', 'suspended')),
  created_at timestamptz not null default clock_timestamp()
);

create table principals (
  id text primary key check (id ~ '\Ap_[a-z0-9_-]{1,60}\Z'),
  kind text not null check (kind in ('agent', 'service', 'user')),
  name text not null check (length(name) between 1 and 200),
  -- For users the person they are; for agents and services the person who owns them, if any.
  person_id text,
  platform_role text check (platform_role in ('platform_operator')),
  status text not null default 'active' check (status in ('active', 'revoked')),
  -- The tenant that made it, which may make it a member and revoke it; the platform's own have none.
  home_tenant text references tenants,
  created_at timestamptz not null default clock_timestamp(),
  check (kind = 'user' or platform_role is null),
  check (kind <> 'user' or person_id is not null)
);

create table memberships (
  tenant_id text not null references tenants check (tenant_id <> ''),
  principal_id text not null references principals,
  role text not null check (role in ('owner', 'admin', 'operator', 'member', 'viewer', 'auditor')),
  permissions text[] not null default '{}',
  status text not null default 'active' check (status in ('active', 'revoked')),
  changed_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, principal_id)
);
create index memberships_by_principal on memberships (principal_id);

create table api_keys (
  id text primary key,
  secret_hash bytea not null,
  principal_id text not null references principals,
  tenants text[],
  permissions text[],
  expires_at timestamptz not null,
  revoked_at timestamptz,
  -- To the minute: not written by every request.
  last_used_at timestamptz,
  created_at timestamptz not null default clock_timestamp()
);
create index api_keys_by_principal on api_keys (principal_id);

-- Whom a subject of an issuer is. A subject is one principal in every tenant, as an API key is.
create table oidc_subjects (
  issuer text not null check (length(issuer) between 1 and 255),
  subject text not null check (length(subject) between 1 and 255),
  principal_id text not null references principals,
  operation_id text,
  created_at timestamptz not null default clock_timestamp(),
  primary key (issuer, subject)
);
create index oidc_subjects_by_principal on oidc_subjects (principal_id);

-- For one look at one stream, by who holds another credential and cannot send it. Redeeming it takes the row away.
create table stream_tickets (
  tenant_id text not null references tenants check (tenant_id <> ''),
  secret_sha256 text not null check (secret_sha256 ~ '\A[0-9a-f]{64}\Z'),
  stream text not null,
  principal_id text not null references principals,
  -- The credential that asked, without its secret: what ends it ends the ticket.
  credential jsonb not null,
  project_id text,
  surface_id text not null,
  app_id text not null,
  expires_at timestamptz not null,
  primary key (tenant_id, secret_sha256)
);
create unique index stream_tickets_by_secret on stream_tickets (secret_sha256);

create table operator_keys (
  kid text primary key,
  principal_id text not null references principals,
  public_jwk jsonb not null,
  operation_id text,
  tenant_id text not null check (tenant_id <> ''),
  not_before timestamptz not null default clock_timestamp(),
  revoked_at timestamptz
);
create index operator_keys_by_principal on operator_keys (principal_id) where revoked_at is null;

-- Members of the tenant by principal id.
create function grantees_of(tenant text, ids jsonb) returns jsonb language sql stable as $$
  select coalesce(jsonb_object_agg(p.id, jsonb_build_object('kind', p.kind, 'name', p.name, 'person_id', p.person_id,
      'status', p.status, 'membership', m.status)), '{}')
  from principals p join memberships m on m.tenant_id = tenant and m.principal_id = p.id
  where p.id in (select jsonb_array_elements_text(coalesce(ids, '[]')))
$$;

create table places (
  tenant_id text not null references tenants check (tenant_id <> ''),
  kind text not null check (kind in ('project', 'surface', 'app')),
  id text not null check (id ~ '\A[psa]_[a-z0-9_-]{1,60}\Z'),
  name text not null,
  status text not null default 'active' check (status in ('active', 'inactive')),
  primary key (tenant_id, kind, id)
);

insert into tenants (id, name) values ('t_system', 'The platform');
-- Its credentials name no project; what they do has a surface and an app all the same.
insert into places (tenant_id, kind, id, name) values ('t_system', 'surface', 's_main', 'The platform'), ('t_system', 'app', 'a_main', 'The platform');
