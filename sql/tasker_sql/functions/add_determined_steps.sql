-- Writes the steps of its template that a task is to have, by what its decisions and batches have said, and has not yet. All of
-- them at once, because they are counted as each other's parents: of several decisions in one transaction the first brings
-- the steps behind the others too. Returns the numbers of those that wait for nothing, and the queues of batch workers, which
-- are enqueued already. Internal: a part of grow_task. Locks: the caller holds the task's. Index: step's primary key.

create or replace function tasker.add_determined_steps(p_origin tasker.step, out steps integer[], out queues integer[])
returns record
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_new integer[];
begin
    select array_agg(c.definition_id) into v_new
    from tasker.determine_steps(p_origin.task_id) as g cross join unnest(g.chosen) as c(definition_id)
    where c.definition_id not in (select s.definition_id from tasker.step s where s.task_id = p_origin.task_id
        union all select b.definition_id from tasker.batch b where b.task_id = p_origin.task_id);
    if v_new is null then
        return;
    end if;
    if exists (select from tasker.step_definition d where d.definition_id = any (v_new) and d.kind = 'batch_worker') then
        queues := tasker.add_batch_workers(p_origin.task_id, p_origin.priority, v_new);
    end if;

    with unresolved as (
        select s.definition_id, count(*)::integer as parents from tasker.step s
        where s.task_id = p_origin.task_id and s.state not in ('complete', 'resolved_manually', 'tolerated') group by s.definition_id
        union all
        select d.definition_id, 1 from tasker.step_definition d where d.definition_id = any (v_new) and d.kind <> 'batch_worker'
    ), brought as (
        insert into tasker.step (task_id, step_no, definition_id, waiting_on, state, attempt_limit, origin_no, priority)
        select p_origin.task_id, d.step_no, d.definition_id, coalesce(sum(u.parents), 0), 'pending', d.max_attempts,
            p_origin.step_no, p_origin.priority
        from tasker.step_definition d
        left join tasker.definition_edge e on e.to_id = d.definition_id
        left join unresolved u on u.definition_id = e.from_id
        where d.definition_id = any (v_new) and d.kind <> 'batch_worker' group by d.definition_id
        returning step_no, waiting_on
    )
    select array_agg(b.step_no order by b.step_no) into steps from brought b where b.waiting_on = 0;
end;
$$;

comment on function tasker.add_determined_steps(tasker.step) is
    'Internal. Writes the steps of its template that a task is to have by now.';
