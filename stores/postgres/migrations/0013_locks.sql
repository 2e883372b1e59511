-- What strategy locks and three-wise questions may become, kept by the tables themselves whatever a program believes.

-- An opinion is written once, by somebody who did not ask and has given none, while there is time and room. Nothing else
-- of a question changes.
create function three_wise_questions_keep_opinions() returns trigger language plpgsql as $$
declare given jsonb := new.opinions -> -1;
begin
  if to_jsonb(new) - 'opinions' - 'verdict' <> to_jsonb(old) - 'opinions' - 'verdict'
      or new.opinions <> old.opinions || jsonb_build_array(given)
      or jsonb_array_length(new.opinions) > 3
      or given ->> 'verdict' not in ('APPROVE', 'REJECT', 'UNSURE')
      or coalesce(given ->> 'reviewer', '') in ('', old.asked_by_reviewer)
      or old.opinions @> jsonb_build_array(jsonb_build_object('reviewer', given -> 'reviewer'))
      or clock_timestamp() >= old.expires_at then
    raise exception 'three_wise_questions: % takes no such change', old.id using errcode = 'EXO07';
  end if;
  return new;
end $$;
create trigger keep_opinions before update on three_wise_questions
  for each row execute function three_wise_questions_keep_opinions();

-- The table of domain/lock-lifecycle.ts: what is final stays, only role `control` approves,
-- what it approves is what was drafted, and who wrote any of it is not forgotten.
create function strategy_locks_keep_lifecycle() returns trigger language plpgsql as $$
declare around text[] := array['status', 'approved_by', 'closed_by', 'closed_reason', 'updated_at'];
begin
  if old.status in ('rejected', 'expired', 'revoked')
      or (new.status in ('approved', 'rejected') and old.status <> 'draft')
      or (new.status = 'approved' and current_user <> 'control')
      or (new.status <> 'draft' and to_jsonb(new) - around <> to_jsonb(old) - around)
      or (new.status = 'draft' and (new.approved_by is not null or not new.authors @> old.authors
        or (new.tenant_id, new.id, new.created_by, new.created_at) <> (old.tenant_id, old.id, old.created_by, old.created_at))) then
    raise exception 'strategy_locks: % takes no such change', old.id using errcode = 'EXO07';
  end if;
  return new;
end $$;
create index strategy_locks_ending on strategy_locks (valid_until) where status in ('draft', 'approved');
-- For the facts, which ask of one tenant what is in force, however many others have locks that will end.
create index strategy_locks_in_force on strategy_locks (tenant_id) where status = 'approved';
create trigger keep_lifecycle before update on strategy_locks
  for each row execute function strategy_locks_keep_lifecycle();
