-- Cancels what is open in tasks, and drops their timers. Returns how many steps were cancelled. Internal.
-- Locks: steps and messages as close_steps; the caller holds the tasks' locks.

create or replace function tasker.cancel_open_steps(p_tasks uuid[]) returns integer
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_tasks uuid[];
    v_steps integer[];
begin
    select array_agg(s.task_id), array_agg(s.step_no) into v_tasks, v_steps
    from tasker.step s
    where s.task_id = any (p_tasks)
        and s.state in ('pending', 'enqueued', 'in_progress', 'waiting_for_retry', 'waiting');
    perform tasker.close_steps(v_tasks, v_steps, 'cancelled', null);
    delete from tasker.timer t where t.task_id = any (p_tasks);
    return coalesce(cardinality(v_steps), 0);
end;
$$;

comment on function tasker.cancel_open_steps(uuid[]) is
    'Internal. Cancels what is open in tasks, and drops their timers.';
