-- The second lock on tenancy: forced on every table with a tenant_id, for every role, the owner included.

do $$
declare t text;
begin
  for t in
    select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
    where n.nspname = 'public' and c.relkind = 'r'
  loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy own_tenant on %I using (tenant_id = current_tenant()) with check (tenant_id = current_tenant())', t);
  end loop;
  foreach t in array array['kill_switches', 'feature_flags', 'rate_limits']
  loop
    execute format('create policy system_read on %I for select using (tenant_id = ''t_system'')', t);
  end loop;
  foreach t in array array['audit_leaves', 'audit_nodes', 'audit_heads', 'outbox', 'operations', 'receipts', 'claims', 'seals', 'operator_keys', 'kill_switches', 'raw_assets', 'strategy_locks']
  loop
    execute format('create policy sequencer_all on %I to sequencer using (true) with check (true)', t);
  end loop;
end $$;

-- A principal sees its own memberships before a tenant is chosen.
create policy own_memberships on memberships for select
  using (principal_id = nullif(current_setting('app.principal', true), ''));
create policy own_operator_keys on operator_keys for select
  using (principal_id = nullif(current_setting('app.principal', true), ''));

-- Who redeems a ticket knows its secret and not yet its tenant.
create policy shown_ticket on stream_tickets to current_user
  using (secret_sha256 = nullif(current_setting('app.ticket', true), '')) with check (false);

-- A global stop drains every tenant.
create policy stop_reads_claims on claims for select to stop using (true);

-- Opting the tenant back in is another person's to vote on.
create policy only_opts_out on train_prefs as restrictive to app with check (opt_out or principal_id <> '');
-- What a run read and showed is written by the run.
create policy opens_only on operations as restrictive for insert to app
  with check (status = 'evaluating' and passes = '[]' and preview is null and shown_hash is null);
-- A seal is written for every tenant.
create policy sequencer_reads on train_prefs for select to sequencer using (true);

-- The entry of an operation is its guard's to write.
create policy posts_usage on budget_entries as restrictive for insert to app with check (source = 'posted');
