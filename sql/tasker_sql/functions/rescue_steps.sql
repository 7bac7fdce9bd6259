-- Enqueues stray steps again, after looking once more under their tasks' locks. One that was in progress has lost that
-- attempt, and fails if it was the last. Internal: part of rescue.
-- Locks: tasks by id, skipping those held; then steps.

create or replace function tasker.rescue_steps(p_tasks uuid[], p_steps integer[]) returns integer
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_held uuid[];
    v_tasks uuid[];
    v_steps integer[];
    v_started uuid[];
    v_alive uuid[];
    v_lost record;
begin
    select array_agg(h.task_id) into v_held from (
        select t.task_id from tasker.task t
        where t.task_id = any (p_tasks) and t.state in ('in_progress', 'waiting', 'paused')
        order by t.task_id for no key update skip locked) as h;
    select array_agg(s.task_id), array_agg(s.step_no), array_agg(s.task_id) filter (where s.state = 'pending')
    into v_tasks, v_steps, v_started
    from unnest(p_tasks, p_steps) as r(task_id, step_no)
    join tasker.step s using (task_id, step_no)
    where s.task_id = any (v_held) and (
        s.state in ('enqueued', 'in_progress') and s.enqueued_at < now() - interval '1 minute'
            and not tasker.has_message(s.definition_id, s.msg_id)
        or s.state = 'pending' and s.waiting_on = 0
            and not exists (select from tasker.task p where p.task_id = s.task_id and p.state = 'paused')
        or s.state = 'waiting_for_retry' and not exists (select from tasker.timer t
            where t.task_id = s.task_id and t.step_no = s.step_no and t.kind = 'retry'));
    if v_tasks is null then
        return 0;
    end if;
    for v_lost in
        select q as queue, jsonb_agg(to_jsonb(s) || jsonb_build_object('spent', s.attempt >= s.attempt_limit)) as steps
        from unnest(v_tasks, v_steps) as r(task_id, step_no)
        join tasker.step s using (task_id, step_no)
        join tasker.step_definition d using (definition_id)
        join tasker.queue q using (queue_id)
        where s.state = 'in_progress' group by q
    loop
        perform tasker.record_lost_attempts(v_lost.queue, v_lost.steps);
    end loop;
    select array_agg(s.task_id), array_agg(s.step_no) into v_alive, v_steps
    from unnest(v_tasks, v_steps) as r(task_id, step_no) join tasker.step s using (task_id, step_no)
    where s.state in ('pending', 'enqueued', 'in_progress', 'waiting_for_retry');
    perform tasker.enqueue_steps(v_alive, v_steps);
    perform tasker.advance_tasks(v_started, null, null, null);
    perform tasker.park_steps(v_held);
    return cardinality(v_tasks);
end;
$$;

comment on function tasker.rescue_steps(uuid[], integer[]) is
    'Internal. Enqueues stray steps again.';
