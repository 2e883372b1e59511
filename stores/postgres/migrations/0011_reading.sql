-- One operation as callers see it, in one round trip: the tenant is set and the row read by one call.

create function operation_row(tenant text, operation text) returns jsonb language plpgsql as $$
begin
  perform set_config('app.tenant', tenant, true);
  return (select jsonb_build_object('ordinal', o.ordinal::text, 'id', o.id, 'tenant_id', o.tenant_id, 'status', o.status,
      'intent', o.intent, 'plan', o.plan, 'intent_hash', o.intent_hash, 'plan_hash', o.plan_hash, 'context', o.context,
      'reason', o.reason, 'idempotency_key', o.idempotency_key, 'principal_kind', o.principal_kind,
      'person_id', o.person_id, 'preview', o.preview, 'shown_hash', o.shown_hash, 'decision_hash', o.decision_hash,
      'passes', without_facts(o.passes), 'approval', o.approval, 'error', o.error, 'undo_of', o.undo_of, 'undone_by', o.undone_by,
      'resolved_by', o.resolved_by, 'run_id', o.run_id, 'created_at', iso(o.created_at), 'updated_at', iso(o.updated_at),
      'claim', (select jsonb_build_object('kind', c.kind, 'key', c.effect_key, 'state', c.state, 'attempts', c.attempts,
          'result', c.result) from claims c where c.tenant_id = o.tenant_id and c.operation_id = o.id),
      'votes', (select coalesce(jsonb_agg(v.vote order by v.ordinal), '[]') from votes v
          where v.tenant_id = o.tenant_id and v.operation_id = o.id),
      'sealed', exists (select from seals s where s.tenant_id = o.tenant_id and s.operation_id = o.id))
    from operations o where o.tenant_id = tenant and o.id = operation);
end $$;

create function operation_status(tenant text, operation text) returns text language plpgsql as $$
begin
  perform set_config('app.tenant', tenant, true);
  return (select o.status from operations o where o.tenant_id = tenant and o.id = operation);
end $$;

-- How far each of these logs has come, for everybody who follows one.
create function log_sizes(tenants text[]) returns jsonb language plpgsql as $$
declare tenant text; sizes jsonb := '{}';
begin
  foreach tenant in array tenants loop
    perform set_config('app.tenant', tenant, true);
    sizes := sizes || jsonb_build_object(tenant,
      coalesce((select h.size from audit_heads h where h.tenant_id = tenant), 0));
  end loop;
  return sizes;
end $$;

grant execute on function operation_row(text, text), operation_status(text, text) to app;
grant execute on function log_sizes(text[]) to auditor;
grant execute on function operation_row(text, text) to guard, control;
grant select on seals to guard, control;
