-- Ends tasks before their steps did: cancels what is open, sets the final state, drops the timers. Internal.
-- Locks: steps and messages as close_steps; the caller holds the tasks' locks.

create or replace function tasker.finish_tasks(p_tasks uuid[], p_state tasker.task_state, p_reason text) returns integer
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_cancelled integer := tasker.cancel_open_steps(p_tasks);
begin
    perform pg_notify('tasker_task', t.task_id::text) from tasker.task t where t.task_id = any (p_tasks) and t.watched;
    update tasker.task t set state = p_state, live = 0, completed_at = now(), reason = p_reason
    where t.task_id = any (p_tasks);
    return v_cancelled;
end;
$$;

comment on function tasker.finish_tasks(uuid[], tasker.task_state, text) is
    'Internal. Ends tasks before their steps did; returns how many steps were cancelled.';
