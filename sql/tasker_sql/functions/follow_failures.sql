-- What follows from steps that have just failed for good: their tasks count them. A batch whose definition says so goes on
-- without such a worker (its state becomes tolerated, and its convergence is told), or its task ends (end_tasks). Internal.
-- Locks: steps; the caller holds the tasks' locks. Index: the primary keys.

create or replace function tasker.follow_failures(p_tasks uuid[], p_steps integer[]) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_tasks uuid[];
    v_workers integer[];
    v_tolerated record;
    v_told record;
    v_asked record;
    v_turn record;
    v_lost record;
begin
    select array_agg(s.task_id), array_agg(s.step_no) into v_tasks, v_workers
    from unnest(p_tasks, p_steps) as f(task_id, step_no)
    join tasker.step s using (task_id, step_no) join tasker.step_definition d using (definition_id)
    where d.kind = 'batch_worker';
    if v_tasks is null then
        perform tasker.advance_tasks(null, p_tasks, p_tasks, null);
        return;
    end if;
    with tolerated as (
        update tasker.step s set state = 'tolerated'
        from unnest(p_tasks, p_steps) as f(task_id, step_no), tasker.step_definition d
        where s.task_id = f.task_id and s.step_no = f.step_no
            and d.definition_id = s.definition_id and d.on_failure = 'continue'
        returning s.task_id, s.step_no, s.definition_id
    )
    select array_agg(t.task_id) as tasks, array_agg(t.step_no) as steps, array_agg(t.definition_id) as definitions
    into v_tolerated from tolerated t;
    v_told := tasker.resolve_successors(v_tolerated.tasks, v_tolerated.definitions);
    v_asked := tasker.resolve_task_edges(v_tolerated.tasks, v_tolerated.steps);
    v_turn := tasker.release_turns(v_tasks, v_workers);
    perform tasker.advance_tasks(v_told.ready || v_asked.ready || v_turn.ready, p_tasks, p_tasks, v_tolerated.tasks);
    perform tasker.wake_workers(v_told.queues || v_asked.queues || v_turn.queues);
    for v_lost in
        select s.task_id, min(tasker.step_name(d.name, s.instance)) as name
        from unnest(p_tasks, p_steps) as f(task_id, step_no)
        join tasker.step s using (task_id, step_no) join tasker.step_definition d using (definition_id)
        where d.on_failure = 'fail_task' group by s.task_id
    loop
        perform tasker.end_tasks(array[v_lost.task_id], format('step %s failed', v_lost.name));
    end loop;
end;
$$;

comment on function tasker.follow_failures(uuid[], integer[]) is
    'Internal. What follows from steps that have just failed for good.';
