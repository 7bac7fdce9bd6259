-- Writes the steps of its template that a task is to have, by what its decisions and batches have said, and has not yet.
-- Returns the numbers of those that wait for nothing. Internal: a part of grow_task.
-- Locks: the caller holds the task's. Index: step's primary key.

create or replace function tasker.add_determined_steps(p_origin tasker.step) returns integer[]
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_new integer[];
    v_last integer := tasker.last_step_no(p_origin.task_id);
    v_workers integer[];
    v_ready integer[];
begin
    select array_agg(c.definition_id) into v_new
    from tasker.determine_steps(p_origin.task_id) as g cross join unnest(g.chosen) as c(definition_id)
    where c.definition_id not in (select s.definition_id from tasker.step s where s.task_id = p_origin.task_id
        union all select b.definition_id from tasker.batch b where b.task_id = p_origin.task_id);
    if v_new is null then
        return null;
    end if;

    with worker as (
        insert into tasker.step (task_id, step_no, definition_id, waiting_on, state, attempt_limit, origin_no, instance, input,
            priority)
        select p_origin.task_id, v_last + (row_number() over (order by d.step_no, c.no))::integer, d.definition_id,
            coalesce((c.no > d.parallelism)::integer, 0), 'pending', d.max_attempts, p_origin.step_no, c.no, c.cursor,
            p_origin.priority
        from tasker.step_definition d
        join tasker.definition_edge e on e.to_id = d.definition_id
        join tasker.step b on b.task_id = p_origin.task_id and b.step_no = e.from_no
        -- The planner may look at other steps' results before it finds that they are no batch's.
        cross join lateral jsonb_array_elements(case jsonb_typeof(b.result) when 'array' then b.result end)
            with ordinality as c(cursor, no)
        where d.definition_id = any (v_new) and d.kind = 'batch_worker'
        returning step_no, waiting_on
    )
    select array_agg(w.step_no order by w.step_no) into v_workers from worker w where w.waiting_on = 0;

    insert into tasker.batch (task_id, definition_id, first_no, size, released)
    select p_origin.task_id, d.definition_id, coalesce(min(s.step_no), v_last + 1), count(s.step_no),
        least(count(s.step_no), d.parallelism)
    from tasker.step_definition d
    left join tasker.step s on s.task_id = p_origin.task_id and s.definition_id = d.definition_id
    where d.definition_id = any (v_new) and d.kind = 'batch_worker' group by d.definition_id;

    insert into tasker.step (task_id, step_no, definition_id, waiting_on, state, attempt_limit, origin_no, priority)
    select p_origin.task_id, d.step_no, d.definition_id, 0, 'pending', d.max_attempts, p_origin.step_no, p_origin.priority
    from tasker.step_definition d where d.definition_id = any (v_new) and d.kind <> 'batch_worker';

    with unresolved as (
        select s.definition_id, count(*)::integer as parents from tasker.step s
        where s.task_id = p_origin.task_id and s.state not in ('complete', 'resolved_manually', 'tolerated') group by s.definition_id
    ), counted as (
        select d.step_no, coalesce(sum(u.parents), 0)::integer as waiting_on
        from tasker.step_definition d
        left join tasker.definition_edge e on e.to_id = d.definition_id
        left join unresolved u on u.definition_id = e.from_id
        where d.definition_id = any (v_new) and d.kind <> 'batch_worker' group by d.step_no
    ), told as (
        update tasker.step s set waiting_on = c.waiting_on
        from counted c where s.task_id = p_origin.task_id and s.step_no = c.step_no
        returning s.step_no, s.waiting_on
    )
    select array_agg(t.step_no order by t.step_no) into v_ready from told t where t.waiting_on = 0;
    return v_workers || v_ready;
end;
$$;

comment on function tasker.add_determined_steps(tasker.step) is
    'Internal. Writes the steps of its template that a task is to have by now.';
