-- Lets a paused task go on: what became ready before or during the pause is enqueued. Locks: the task, then its steps.

create or replace function tasker.resume_task(task_id uuid, reason text, actor text) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_task tasker.task := tasker.lock_open_task(resume_task.task_id, 'resume', resume_task.reason, resume_task.actor);
    v_starts boolean := tasker.starts_later(v_task.task_id);
    v_tasks uuid[];
    v_steps integer[];
begin
    if v_task.state <> 'paused' then
        raise exception using errcode = 'TK004', message = format('task %s is not paused', v_task.task_id),
            hint = 'There is nothing to resume: its state is ' || v_task.state || '.';
    end if;
    update tasker.task t
    set state = case when v_starts then 'pending' else tasker.task_state_at(t.live, t.failed, t.ends_as, false) end
    where t.task_id = v_task.task_id
    returning t.* into v_task;
    if v_task.watched and v_task.state = 'blocked_by_failures' then
        perform pg_notify('tasker_task', v_task.task_id::text);
    end if;
    if v_task.linked and v_task.state = 'blocked_by_failures' then
        perform tasker.tell_waiters(array[v_task.task_id]);
    end if;
    if not v_starts then
        select array_agg(s.task_id), array_agg(s.step_no) into v_tasks, v_steps
        from tasker.step s where s.task_id = v_task.task_id and s.state = 'pending' and s.waiting_on = 0;
    end if;
    return tasker.record_action(v_task.task_id, null, 'resume', resume_task.reason, resume_task.actor,
        tasker.enqueue_steps(v_tasks, v_steps));
end;
$$;

comment on function tasker.resume_task(uuid, text, text) is
    'Lets a paused task go on. Returns {task_id, state, steps: how many can run now}. TK004 when it is not paused.';
