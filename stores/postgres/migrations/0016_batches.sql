-- What became of each input of an operation that has several: written with its effect, once.

create table batch_items (
  tenant_id text not null check (tenant_id <> ''),
  operation_id text not null,
  n integer not null check (n > 0),
  state text not null check (state in ('committed', 'failed', 'blocked')),
  code text,
  result jsonb,
  at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, operation_id, n),
  foreign key (tenant_id, operation_id) references operations (tenant_id, id)
);
alter table batch_items enable row level security;
alter table batch_items force row level security;
create policy own_tenant on batch_items using (tenant_id = current_tenant()) with check (tenant_id = current_tenant());
grant select, insert on batch_items to guard;
grant select on batch_items to control;

create function batch_items_of(tenant text, operation text) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('n', i.n, 'state', i.state, 'code', i.code, 'result', i.result) order by i.n), '[]')
  from batch_items i where i.tenant_id = tenant and i.operation_id = operation
$$;

-- The view of one input, or those of several in their order.
create function views_of(tenant text, view jsonb) returns jsonb language sql volatile as $$
  select case when view ->> 'kind' = 'batch'
    then (select jsonb_agg(view_of(tenant, v) order by n) from jsonb_array_elements(view -> 'views') with ordinality as e (v, n))
    else view_of(tenant, view) end
$$;

create function keep_items(d jsonb) returns void language plpgsql as $$
begin
  perform set_config('app.tenant', d ->> 'tenant_id', true);
  insert into batch_items (tenant_id, operation_id, n, state, code, result)
    select d ->> 'tenant_id', d ->> 'operation_id', (i ->> 'n')::integer, i ->> 'state', i ->> 'code', i -> 'result'
    from jsonb_array_elements(d -> 'items') i;
end $$;

grant execute on function batch_items_of(text, text), views_of(text, jsonb) to guard, control;
grant execute on function keep_items(jsonb) to guard;
