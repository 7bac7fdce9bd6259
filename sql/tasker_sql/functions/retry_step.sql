-- Tries one failed step again, or one that waits for its retry at once. Locks: the task, then the step.

create or replace function tasker.retry_step(task_id uuid, step_name text, reason text, actor text) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_task tasker.task := tasker.lock_open_task(retry_step.task_id, 'retry', retry_step.reason, retry_step.actor);
    v_step tasker.step := tasker.find_step(v_task.task_id, retry_step.step_name);
    v_steps integer;
begin
    perform tasker.check_undoing(v_step);
    if v_step.state = 'error' then
        v_steps := tasker.reopen_steps(v_task.task_id, array[v_step.step_no]);
    elsif v_step.state = 'waiting_for_retry' then
        delete from tasker.timer t
        where t.task_id = v_task.task_id and t.step_no = v_step.step_no and t.kind = 'retry';
        v_steps := tasker.enqueue_steps(array[v_task.task_id], array[v_step.step_no]);
        perform tasker.park_steps(array[v_task.task_id]);
    else
        raise exception using errcode = 'TK004',
            message = format('step %s of task %s is %s', retry_step.step_name, v_task.task_id, v_step.state),
            hint = 'Only a step that failed, or that waits for its retry, can be retried.';
    end if;
    return tasker.record_action(v_task.task_id, v_step.step_no, 'retry', retry_step.reason, retry_step.actor, v_steps);
end;
$$;

comment on function tasker.retry_step(uuid, text, text, text) is
    'Tries a failed step again, with as many attempts as its definition allows; one that waits for its retry is tried at '
    'once. Returns {task_id, state, steps}. TK004 when the step is in another state.';
