-- What follows from steps that have just completed: their children are told, decisions, batches and expansions make their
-- tasks grow, and of a limited batch the next workers have their turn. A step whose result says nothing that could be done
-- has failed for good instead. `p_asking`: some have asked for other steps. Returns the tasks of the steps that were
-- enqueued and of those that failed, one entry per step, and the queues with new messages. Internal.
-- What was asked for comes before the template's edges are followed, because a convergence there may have to wait for it; and
-- after the task's own edges, of which it makes new ones.
-- Locks: steps; the caller holds the tasks' locks. Index: step_definition_growing, the primary keys.

create or replace function tasker.follow_completions(
    p_tasks uuid[], p_steps integer[], p_definitions integer[], p_asking boolean,
    out ready uuid[], out failed uuid[], out queues integer[]
) returns record
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_done record;
    v_more record;
begin
    if not p_asking and not exists (
            select from tasker.step_definition d where d.definition_id = any (p_definitions) and d.growing) then
        select r.ready, r.queues into ready, queues from tasker.resolve_successors(p_tasks, p_definitions) as r;
        return;
    end if;
    failed := tasker.refuse_growth(p_tasks, p_steps);
    select array_agg(s.task_id) as tasks, array_agg(s.step_no) as steps, array_agg(s.definition_id) as definitions,
        array_agg(s.task_id) filter (where s.expansion is not null) as asking_tasks,
        array_agg(s.step_no) filter (where s.expansion is not null) as asking_steps,
        array_agg(s.task_id) filter (where d.kind in ('decision', 'batchable')) as growing_tasks,
        array_agg(s.step_no) filter (where d.kind in ('decision', 'batchable')) as growing_steps
    into v_done
    from unnest(p_tasks, p_steps) as c(task_id, step_no)
    join tasker.step s using (task_id, step_no) join tasker.step_definition d using (definition_id)
    where s.state <> 'error';
    v_more := tasker.resolve_task_edges(v_done.tasks, v_done.steps);
    ready := v_more.ready;
    queues := v_more.queues;
    v_more := tasker.grow_tasks(v_done.asking_tasks, v_done.asking_steps);
    ready := ready || v_more.ready;
    queues := queues || v_more.queues;
    v_more := tasker.resolve_successors(v_done.tasks, v_done.definitions);
    ready := ready || v_more.ready;
    queues := queues || v_more.queues;
    v_more := tasker.release_turns(v_done.tasks, v_done.steps);
    ready := ready || v_more.ready;
    queues := queues || v_more.queues;
    v_more := tasker.grow_tasks(v_done.growing_tasks, v_done.growing_steps);
    ready := ready || v_more.ready;
    queues := queues || v_more.queues;
end;
$$;

comment on function tasker.follow_completions(uuid[], integer[], integer[], boolean) is
    'Internal. What follows from steps that have just completed.';
