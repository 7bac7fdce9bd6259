-- Ends a step with a result that an operator gives, as if its handler had, and goes on with its children. Internal.
-- Locks: the caller holds the task's lock; steps, then the step's message, skipping it when held.

create or replace function tasker.settle_step(p_task_id uuid, p_step tasker.step, p_state tasker.step_state, p_result jsonb)
returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_one uuid[] := array[p_task_id];
    v_next record;
    v_fault text;
    v_task tasker.task;
begin
    perform tasker.check_undoing(p_step);
    if p_step.state in ('complete', 'cancelled', 'resolved_manually', 'tolerated') then
        raise exception using errcode = 'TK004', message = format('the step is %s already', p_step.state),
            hint = 'Only a step that has not ended, or has failed, can be given a result.';
    end if;
    select t.* into v_task from tasker.task t where t.task_id = p_task_id;
    if tasker.starts_later(p_task_id) then
        raise exception using errcode = 'TK004', message = format('task %s has not started: it starts at %s', p_task_id, v_task.start_at),
            hint = 'Wait until then, or cancel the task.';
    end if;
    select f.what into v_fault from tasker.step_definition d cross join lateral tasker.find_growth_fault(d, p_result) as f(what)
    where d.definition_id = p_step.definition_id;
    if v_fault is not null then
        raise exception using errcode = 'TK002', message = v_fault, hint = 'Nothing was changed.';
    end if;
    perform tasker.close_steps(v_one, array[p_step.step_no], p_state, null);
    update tasker.step s set result = p_result where s.task_id = p_task_id and s.step_no = p_step.step_no;
    v_next := tasker.follow_completions(v_one, array[p_step.step_no], array[p_step.definition_id], false);
    perform tasker.advance_tasks(v_next.ready,
        case when p_step.state in ('enqueued', 'in_progress', 'waiting_for_retry', 'waiting')
            or v_task.state = 'paused' and p_step.state = 'pending' and p_step.waiting_on = 0 then v_one end, null,
        case when p_step.state = 'error' then v_one end);
    perform tasker.wake_workers(v_next.queues);
    perform tasker.park_steps(v_one);
end;
$$;

comment on function tasker.settle_step(uuid, tasker.step, tasker.step_state, jsonb) is
    'Internal. Ends a step with a result that an operator gives.';
