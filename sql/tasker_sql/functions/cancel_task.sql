-- Ends a task that is no longer wanted. Locks: the task, its steps, then their messages, skipping those held.

create or replace function tasker.cancel_task(task_id uuid, reason text, actor text) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_task tasker.task := tasker.lock_open_task(cancel_task.task_id, 'cancel', cancel_task.reason, cancel_task.actor);
begin
    return tasker.record_action(v_task.task_id, null, 'cancel', cancel_task.reason, cancel_task.actor,
        tasker.finish_tasks(array[v_task.task_id], 'cancelled', cancel_task.reason));
end;
$$;

comment on function tasker.cancel_task(uuid, text, text) is
    'Cancels a task and its open steps. A handler that is running is told at its worker''s next heartbeat; what it returns '
    'after that changes nothing. Returns {task_id, state, steps: how many were cancelled}. TK004 when it has ended already.';
