-- Enqueues steps again, and wakes who serves their queues. Returns how many were. Internal.
-- Locks: steps; the caller holds the tasks' locks.

create or replace function tasker.enqueue_steps(p_tasks uuid[], p_steps integer[]) returns integer
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_queues integer[] := tasker.queue_steps(p_tasks, p_steps);
begin
    perform tasker.wake_workers(v_queues);
    return coalesce(cardinality(v_queues), 0);
end;
$$;

comment on function tasker.enqueue_steps(uuid[], integer[]) is
    'Internal. Enqueues steps again, and wakes who serves their queues.';
