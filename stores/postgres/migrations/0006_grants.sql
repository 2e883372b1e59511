-- What each role may touch. Nobody but the owner owns anything; nobody bypasses row-level security.

revoke all on schema public from public;
grant usage on schema public to app, guard, control, sequencer, stop, auditor;
revoke execute on all functions in schema public from public;
alter default privileges revoke execute on functions from public;
grant execute on function current_tenant() to app, guard, control, sequencer, stop, auditor;
grant execute on function has_come(timestamptz), ms_until(timestamptz) to app, guard, control, sequencer;
grant execute on function train_ok_of(text, text, text) to app, guard, control, sequencer;
grant execute on function grantees_of(text, jsonb) to app, guard, control;

-- app: opens operations, writes records, reads its tenant. It cannot read a credential.
grant select on tenants, principals, memberships, operator_keys, places, operations, votes, claims, receipts, seals,
  notes, audit_leaves, audit_nodes, audit_heads, audit_sequencer, kill_switches, switch_drains, policy_versions,
  license_types, firearm_policies, license_grants, lock_policies, three_wise_questions, strategy_locks, budget_policies,
  budget_entries, kpi_definitions, kpi_corridors, kpi_raw, temperature_limits, waivers, rate_limits, rate_windows,
  feature_flags, egress_targets, train_prefs, deployment to app;
grant insert, update on train_prefs to app, control;
grant insert on operations, votes, audit_leaves, outbox, kpi_raw, places, rate_windows, raw_assets, budget_entries
  to app;
grant select on raw_assets to app, guard, sequencer;
-- Locks are drafted, revised and closed here; a trigger keeps this role from approving one.
grant insert (tenant_id, id, title, allowed_actions, surface_id, project_id, valid_from, valid_until, constraints,
  three_wise_id, content_hash, created_by, drafted_by, drafted_with, authors) on strategy_locks to app;
grant update (version, status, title, allowed_actions, surface_id, project_id, valid_from, valid_until, constraints,
  three_wise_id, content_hash, drafted_by, drafted_with, authors, approved_by, closed_by, closed_reason, updated_at)
  on strategy_locks to app;
grant update (status, approved_by, updated_at) on strategy_locks to control;
grant insert (tenant_id, id, question, binds, binding_hash, asked_by, asked_by_reviewer, expires_at) on three_wise_questions to app;
grant update (opinions) on three_wise_questions to app;
grant execute on function three_wise_verdict(jsonb) to app;
grant update (cancel, updated_at, run_id) on operations to app;
grant update on rate_windows to app;
grant insert, delete, select (tenant_id, expires_at) on stream_tickets to app;
grant update (name, status) on places to app;
grant delete on outbox to app;
grant select (id, tenant_id, operation_id, kind) on outbox to app;

-- guard: reads facts, claims, performs transactional effects, ends operations. It cannot change a control.
grant select on tenants, principals, memberships, operator_keys, places, operations, votes, claims, receipts, notes,
  audit_leaves, audit_heads, audit_sequencer, kill_switches, policy_versions, license_types, firearm_policies,
  license_grants, lock_policies, three_wise_questions, strategy_locks, budget_policies, budget_entries, kpi_definitions,
  kpi_corridors, kpi_raw, temperature_limits, waivers, rate_limits, feature_flags, egress_targets, train_prefs, deployment
  to guard, control;
grant insert on votes, claims, receipts, audit_leaves, outbox, budget_entries to guard, control;
grant update (status, preview, shown_hash, decision_hash, passes, approval, error, undone_by, resolved_by, run_id,
  updated_at, ended_at) on operations to guard, control;
grant update on claims, budget_entries to guard, control;
grant update (used_count, used_amount) on license_grants to guard;
grant insert, update (removed_at) on notes to guard;

-- control: the same path for the actions that govern, and the only writer of control tables. It cannot write a note.
grant insert, update, delete on kill_switches, policy_versions, license_types, firearm_policies, license_grants,
  lock_policies, budget_policies, kpi_definitions, kpi_corridors, temperature_limits, waivers, rate_limits,
  feature_flags, egress_targets to control;
grant insert, update on tenants, principals, memberships, operator_keys, places to control;
grant insert on api_keys, oidc_subjects to control;
grant usage on sequence switch_epoch to control;
grant execute on function next_switch_epoch(text) to control;

-- sequencer: gives leaves their index, signs heads, drains the outbox, writes seals, reconciles, sweeps uploads.
grant select on operations, receipts, claims, votes, seals, operator_keys, audit_leaves, audit_nodes, audit_heads, audit_sequencer,
  outbox, tenants, deployment, kill_switches, train_prefs to sequencer;
grant update (seq) on audit_leaves to sequencer;
grant insert on audit_leaves, audit_nodes, seals to sequencer;
grant insert, update on audit_heads, audit_sequencer to sequencer;
grant insert, update, delete on outbox to sequencer;
grant update (run_id, updated_at) on operations to sequencer;
grant update (closed_as, closed_at, cleared_at) on raw_assets to sequencer;
grant select, update (status, updated_at) on strategy_locks to sequencer;

-- stop: reads, and calls the one function that can only stop.
grant select on kill_switches, switch_drains, claims, tenants to stop;
grant update on switch_drains to stop;

grant select on audit_leaves, audit_nodes, audit_heads, receipts, seals, operations, tenants to auditor;
grant execute on function jws_payload(text) to app, guard, control, sequencer, auditor;
