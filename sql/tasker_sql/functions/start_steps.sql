-- Enqueues steps for the first time, and starts the clocks of those whose whole time is limited. Returns their queues, once
-- for each step. Nobody is woken. Internal. Locks: steps; the caller holds the tasks' locks.

create or replace function tasker.start_steps(p_tasks uuid[], p_steps integer[]) returns integer[]
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_queues integer[] := tasker.queue_steps(p_tasks, p_steps);
begin
    perform tasker.start_step_clocks(p_tasks, p_steps);
    return v_queues;
end;
$$;

comment on function tasker.start_steps(uuid[], integer[]) is
    'Internal. Enqueues steps for the first time.';
