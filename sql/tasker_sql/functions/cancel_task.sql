-- Ends a task that is no longer wanted, at once or when what it had completed is undone. Locks: the task, its steps, then
-- their messages, skipping those held.

create or replace function tasker.cancel_task(task_id uuid, reason text, actor text, compensate boolean default false) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_task tasker.task := tasker.lock_open_task(cancel_task.task_id, 'cancel', cancel_task.reason, cancel_task.actor);
    v_steps integer;
begin
    if v_task.ends_as is not null then
        raise exception using errcode = 'TK004',
            message = format('task %s is being undone already, and ends as %s then', v_task.task_id, v_task.ends_as),
            hint = 'To leave it as it is, and close it, resolve the task.';
    end if;
    if cancel_task.compensate then
        v_steps := tasker.compensate_task(v_task.task_id, 'cancelled', cancel_task.reason);
        perform tasker.park_steps(array[v_task.task_id]);
        return tasker.record_action(v_task.task_id, null, 'compensate', cancel_task.reason, cancel_task.actor, v_steps);
    end if;
    return tasker.record_action(v_task.task_id, null, 'cancel', cancel_task.reason, cancel_task.actor,
        tasker.finish_tasks(array[v_task.task_id], 'cancelled', cancel_task.reason));
end;
$$;

comment on function tasker.cancel_task(uuid, text, text, boolean) is
    'Cancels a task and its open steps. A handler that is running is told at its worker''s next heartbeat; what it returns '
    'after that changes nothing. With compensate, what had completed is undone first, last things first, as the template '
    'says; the task is cancelled when that is done. One that is paused is undone when it is resumed. Returns {task_id, state, steps: how many were cancelled}. TK004 when '
    'the task has ended already, or is being undone.';
