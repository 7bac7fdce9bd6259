-- Tries every failed step of a task again. Locks: the task, then its steps.

create or replace function tasker.retry_task(task_id uuid, reason text, actor text) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_task tasker.task := tasker.lock_open_task(retry_task.task_id, 'retry', retry_task.reason, retry_task.actor);
    v_steps integer[];
begin
    select array_agg(s.step_no) into v_steps
    from tasker.step s join tasker.step_definition d using (definition_id)
    where s.task_id = v_task.task_id and s.state = 'error' and (v_task.ends_as is null or d.kind = 'compensation');
    if v_steps is null then
        raise exception using errcode = 'TK004', message = format('task %s has no failed step', v_task.task_id),
            hint = 'There is nothing to retry: its state is ' || v_task.state || '.';
    end if;
    return tasker.record_action(v_task.task_id, null, 'retry', retry_task.reason, retry_task.actor,
        tasker.reopen_steps(v_task.task_id, v_steps));
end;
$$;

comment on function tasker.retry_task(uuid, text, text) is
    'Tries every failed step of a task again (of one that is being undone, every failed compensation), each with as many '
    'attempts as its definition allows. Returns {task_id, state, steps: how many}. TK004 when none has failed.';
