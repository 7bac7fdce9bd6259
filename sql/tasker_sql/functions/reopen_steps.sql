-- Gives failed steps of one task as many attempts again as their definition allows, and enqueues them. Internal.
-- Locks: steps; the caller holds the task's lock.

create or replace function tasker.reopen_steps(p_task_id uuid, p_steps integer[]) returns integer
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_tasks uuid[] := array_fill(p_task_id, array[cardinality(p_steps)]);
begin
    update tasker.step s
    set attempt_limit = least(s.attempt + d.max_attempts, 32767)
    from tasker.step_definition d
    where s.task_id = p_task_id and s.step_no = any (p_steps) and d.definition_id = s.definition_id;
    perform tasker.enqueue_steps(v_tasks, p_steps);
    perform tasker.start_step_clocks(v_tasks, p_steps);
    perform tasker.advance_tasks(v_tasks, null, null, v_tasks);
    perform tasker.park_steps(array[p_task_id]);
    return cardinality(p_steps);
end;
$$;

comment on function tasker.reopen_steps(uuid, integer[]) is
    'Internal. Enqueues failed steps of one task with fresh attempts.';
