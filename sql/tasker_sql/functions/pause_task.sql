-- Holds a task until it is resumed. Locks: the task, its steps, then their messages, skipping those held.

create or replace function tasker.pause_task(task_id uuid, reason text, actor text) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_task tasker.task := tasker.lock_open_task(pause_task.task_id, 'pause', pause_task.reason, pause_task.actor);
begin
    if v_task.state = 'paused' then
        raise exception using errcode = 'TK004', message = format('task %s is paused already', v_task.task_id),
            hint = 'Resume it first to pause it for another reason.';
    end if;
    update tasker.task t set state = 'paused' where t.task_id = v_task.task_id;
    return tasker.record_action(v_task.task_id, null, 'pause', pause_task.reason, pause_task.actor,
        tasker.park_steps(array[v_task.task_id]));
end;
$$;

comment on function tasker.pause_task(uuid, text, text) is
    'Pauses a task: none of its steps is granted until it is resumed. Handlers that are running go on, and what they come '
    'to is applied; retries, waits, events and time limits go on too, and what they make ready is held. Returns {task_id, '
    'state, steps: how many were taken out of their queues}. TK004 when it has ended, or is paused already.';
