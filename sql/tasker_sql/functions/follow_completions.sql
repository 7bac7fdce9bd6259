-- What follows from steps that have just completed: their children are told, decisions and batches make their tasks grow,
-- and of a limited batch the next workers have their turn. A step whose result says nothing that could be done has failed
-- for good instead. Returns the tasks of the steps that were enqueued and of those that failed, one entry per step, and the
-- queues with new messages. Internal.
-- Locks: steps; the caller holds the tasks' locks. Index: step_definition_growing, the primary keys.

create or replace function tasker.follow_completions(
    p_tasks uuid[], p_steps integer[], p_definitions integer[], out ready uuid[], out failed uuid[], out queues integer[]
) returns record
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_step record;
    v_more record;
begin
    if not exists (select from tasker.step_definition d
            where d.definition_id = any (p_definitions) and d.kind in ('decision', 'batchable', 'batch_worker')) then
        select r.ready, r.queues into ready, queues from tasker.resolve_successors(p_tasks, p_definitions) as r;
        return;
    end if;
    failed := tasker.refuse_growth(p_tasks, p_steps);
    select r.ready || t.ready, r.queues || t.queues into ready, queues
    from (select array_agg(s.task_id) as tasks, array_agg(s.definition_id) as definitions
        from unnest(p_tasks, p_steps) as c(task_id, step_no) join tasker.step s using (task_id, step_no)
        where s.state <> 'error') as c
    cross join lateral tasker.resolve_successors(c.tasks, c.definitions) as r
    cross join lateral tasker.release_turns(c.tasks, c.definitions) as t;
    for v_step in
        select s.task_id, s.step_no
        from unnest(p_tasks, p_steps) as c(task_id, step_no)
        join tasker.step s using (task_id, step_no) join tasker.step_definition d using (definition_id)
        where d.kind in ('decision', 'batchable') and s.state <> 'error' order by s.task_id, s.step_no
    loop
        v_more := tasker.grow_task(v_step.task_id, v_step.step_no);
        ready := ready || v_more.ready;
        queues := queues || v_more.queues;
    end loop;
end;
$$;

comment on function tasker.follow_completions(uuid[], integer[], integer[]) is
    'Internal. What follows from steps that have just completed.';
