-- Completes a step within the caller's transaction, so that what its handler wrote there commits with it or not at all. Whether
-- it did: the lease may be lost, or the result refused, and then the caller rolls back. Time stands still in a transaction, and
-- this one may be old: what is dated or timed by it is set right.
-- A worker that is frozen before it commits holds these locks, and nobody else gets the step: for a minute at most.
-- Locks: as apply_outcomes: the task, the message, steps. What the handler locked before that, it holds already.

create or replace function tasker.commit_outcome(outcome jsonb) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_applied record;
    v_late interval := clock_timestamp() - now();
begin
    if commit_outcome.outcome ->> 'outcome' is distinct from 'complete' then
        raise exception using errcode = 'TK002', message = 'only an outcome that is complete can be committed with what its handler wrote',
            hint = 'Hand in other outcomes with exchange.';
    end if;
    v_applied := tasker.apply_outcomes(jsonb_build_array(commit_outcome.outcome));
    perform tasker.end_if_idle();
    perform tasker.wake_workers(v_applied.queues);
    update tasker.timer t set fire_at = t.fire_at + v_late
    where t.task_id = (commit_outcome.outcome ->> 'task_id')::uuid and t.xmin = pg_current_xact_id()::xid;
    update tasker.step s set completed_at = clock_timestamp()
    where s.task_id = (commit_outcome.outcome ->> 'task_id')::uuid
        and s.step_no = (commit_outcome.outcome ->> 'step_no')::integer and s.state = 'complete';
    return found and cardinality(v_applied.accepted) = 1;
end;
$$;

comment on function tasker.commit_outcome(jsonb) is
    'For workers. Completes a step within the caller''s transaction. outcome is one as exchange takes it, with outcome complete. False '
    'when the lease was lost or the result was refused: then roll back. TK002 for another outcome.';
