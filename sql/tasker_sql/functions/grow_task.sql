-- The one door through which steps are added to a task that runs: writes those that a completed decision or batch has
-- determined, counts what they wait for, and enqueues those that wait for nothing. All of it or nothing: it is part of the
-- transaction that completes the step, and the caller has checked what the step said (find_growth_fault). Returns the task
-- once for each step that was enqueued, and their queues. Internal.
-- Locks: the caller holds the task's. Index: step's primary key.

create or replace function tasker.grow_task(p_task_id uuid, p_origin_no integer, out ready uuid[], out queues integer[])
returns record
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_new integer[];
    v_last integer;
    v_priority smallint;
    v_steps integer[];
begin
    select array_agg(c.definition_id) into v_new
    from tasker.determine_steps(p_task_id) as g cross join unnest(g.chosen) as c(definition_id)
    where c.definition_id not in (select s.definition_id from tasker.step s where s.task_id = p_task_id
        union all select b.definition_id from tasker.batch b where b.task_id = p_task_id);
    if v_new is null then
        return;
    end if;
    select greatest(max(d.step_no), (select max(s.step_no) from tasker.step s where s.task_id = p_task_id)) into v_last
    from tasker.step_definition d
    where d.template_id = (select t.template_id from tasker.task t where t.task_id = p_task_id);
    select nullif(t.priority, 0) into v_priority from tasker.task t where t.task_id = p_task_id;

    insert into tasker.step (task_id, step_no, definition_id, waiting_on, state, attempt_limit, origin_no, instance, input,
        priority)
    select p_task_id, v_last + (row_number() over (order by d.step_no, c.no))::integer, d.definition_id, 0, 'pending',
        d.max_attempts, p_origin_no, c.no, c.cursor, v_priority
    from tasker.step_definition d
    join tasker.definition_edge e on e.to_id = d.definition_id
    join tasker.step b on b.task_id = p_task_id and b.step_no = e.from_no
    -- The planner may look at other steps' results before it finds that they are no batch's.
    cross join lateral jsonb_array_elements(case jsonb_typeof(b.result) when 'array' then b.result end)
        with ordinality as c(cursor, no)
    where d.definition_id = any (v_new) and d.kind = 'batch_worker';

    insert into tasker.batch (task_id, definition_id, first_no, size, released)
    select p_task_id, d.definition_id, coalesce(min(s.step_no), v_last + 1), count(s.step_no),
        least(count(s.step_no), d.parallelism)
    from tasker.step_definition d
    left join tasker.step s on s.task_id = p_task_id and s.definition_id = d.definition_id
    where d.definition_id = any (v_new) and d.kind = 'batch_worker' group by d.definition_id;

    insert into tasker.step (task_id, step_no, definition_id, waiting_on, state, attempt_limit, origin_no, priority)
    select p_task_id, d.step_no, d.definition_id, 0, 'pending', d.max_attempts, p_origin_no, v_priority
    from tasker.step_definition d where d.definition_id = any (v_new) and d.kind <> 'batch_worker';

    with unresolved as (
        select s.definition_id, count(*)::integer as parents from tasker.step s
        where s.task_id = p_task_id and s.state not in ('complete', 'resolved_manually', 'tolerated') group by s.definition_id
    ), counted as (
        select s.step_no, coalesce(sum(u.parents), 0)::integer + coalesce((s.instance > d.parallelism)::integer, 0) as waiting_on
        from tasker.step s
        join tasker.step_definition d using (definition_id)
        left join tasker.definition_edge e on e.to_id = d.definition_id
        left join unresolved u on u.definition_id = e.from_id
        where s.task_id = p_task_id and s.definition_id = any (v_new)
        group by s.step_no, s.instance, d.parallelism
    ), told as (
        update tasker.step s set waiting_on = c.waiting_on
        from counted c where s.task_id = p_task_id and s.step_no = c.step_no
        returning s.task_id, s.step_no, s.waiting_on
    )
    select array_agg(t.task_id), array_agg(t.step_no) into ready, v_steps from told t where t.waiting_on = 0;
    if ready is not null then
        queues := tasker.start_steps(ready, v_steps);
    end if;
end;
$$;

comment on function tasker.grow_task(uuid, integer) is
    'Internal. The one door for growth: writes the steps that a completed decision or batch has determined.';
