-- What each kind of timer does. A timer whose step or task has moved on does nothing. Internal: part of promote_due.
-- Locks: the caller holds the tasks' locks; steps, then messages (skipping).

create or replace function tasker.fire_timers(p_kind tasker.timer_kind, p_tasks uuid[], p_steps integer[]) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_tasks uuid[];
    v_steps integer[];
begin
    case p_kind
    when 'retry' then
        select array_agg(s.task_id), array_agg(s.step_no) into v_tasks, v_steps
        from unnest(p_tasks, p_steps) as f(task_id, step_no) join tasker.step s using (task_id, step_no)
        where s.state = 'waiting_for_retry';
        perform tasker.enqueue_steps(v_tasks, v_steps);
    when 'wake' then
        perform tasker.end_waits(p_tasks, p_steps, array_fill('{"timeout": true}'::jsonb, array[cardinality(p_tasks)]));
    when 'task_ended' then
        perform tasker.end_task_waits(p_tasks, p_steps);
    when 'children' then
        perform tasker.end_children(p_tasks, 100);
    when 'task_start' then
        select array_agg(s.task_id), array_agg(s.step_no) into v_tasks, v_steps
        from unnest(p_tasks) as f(task_id) join tasker.task t using (task_id) join tasker.step s using (task_id)
        where t.state in ('pending', 'paused') and s.state = 'pending' and s.waiting_on = 0;
        perform tasker.enqueue_steps(v_tasks, v_steps);
        perform tasker.start_step_clocks(v_tasks, v_steps);
        perform tasker.advance_tasks(v_tasks, null, null, null);
    when 'step_time_limit' then
        select array_agg(s.task_id), array_agg(s.step_no) into v_tasks, v_steps
        from unnest(p_tasks, p_steps) as f(task_id, step_no) join tasker.step s using (task_id, step_no)
        where s.state in ('pending', 'enqueued', 'in_progress', 'waiting_for_retry', 'waiting');
        perform tasker.close_steps(v_tasks, v_steps, 'error', jsonb_build_object(
            'type', 'StepTimedOut', 'message', 'the step ran past its time limit'));
        if v_tasks is not null then
            perform tasker.follow_failures(v_tasks, v_steps);
        end if;
    when 'task_time_limit' then
        perform tasker.end_tasks(p_tasks, 'the task ran past its time limit');
    end case;
end;
$$;

comment on function tasker.fire_timers(tasker.timer_kind, uuid[], integer[]) is
    'Internal. Does what fired timers are for.';
