-- Writes the dynamic steps that a completed step has asked for, with their edges; convergences that gather them wait for them
-- too. The caller has checked what was asked (find_expansion_fault). Returns the numbers of those that wait for nothing.
-- Internal: a part of grow_task. An expansion may be large, so joins may hash, also within an exchange, which pins its plans.
-- Locks: the caller holds the task's. Index: step's primary key.

create or replace function tasker.add_asked_steps(p_origin tasker.step) returns integer[]
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
set enable_hashjoin = on
as $$
declare
    v_last integer := tasker.last_step_no(p_origin.task_id);
    v_depths integer[] := tasker.measure_depths(p_origin);
    v_ready integer[];
begin
    with edge as (
        insert into tasker.task_edge (task_id, from_no, to_no)
        select distinct p_origin.task_id, coalesce(v_last + r.item, r.step_no), v_last + r.no
        from tasker.list_references(p_origin.task_id, p_origin.expansion) as r
        returning from_no, to_no
    ), waits as (
        select e.to_no, count(*)::integer as parents
        from edge e left join tasker.step p on p.task_id = p_origin.task_id and p.step_no = e.from_no
        where p.state is null or p.state not in ('complete', 'resolved_manually', 'tolerated') group by e.to_no
    ), takes as (
        select r.no, jsonb_object_agg(r.parameter, coalesce(v_last + r.item, r.step_no)) as steps
        from tasker.list_references(p_origin.task_id, p_origin.expansion) as r where r.parameter is not null group by r.no
    ), before as (
        select s.definition_id, max(s.instance) as instance
        from tasker.step s where s.task_id = p_origin.task_id and s.depth is not null group by s.definition_id
    ), brought as (
        insert into tasker.step (task_id, step_no, definition_id, waiting_on, state, attempt_limit, origin_no, instance, input, depth,
            priority)
        select p_origin.task_id, v_last + i.no, d.definition_id, coalesce(w.parents, 0), 'pending', d.max_attempts,
            p_origin.step_no,
            coalesce(b.instance, 0) + row_number() over (partition by d.definition_id order by i.no),
            jsonb_build_object('values', coalesce(nullif(i.value -> 'values', 'null'), '{}'), 'takes', coalesce(t.steps, '{}')),
            v_depths[i.no], p_origin.priority
        from jsonb_array_elements(p_origin.expansion) with ordinality as i(value, no)
        join tasker.step_definition o on o.definition_id = p_origin.definition_id
        join tasker.step_definition d on d.template_id = o.template_id and d.name = i.value ->> 'step'
        left join waits w on w.to_no = v_last + i.no
        left join takes t on t.no = i.no
        left join before b on b.definition_id = d.definition_id
        returning step_no, definition_id, waiting_on
    ), gathering as (
        update tasker.step c set waiting_on = c.waiting_on + g.count
        from (select e.to_no, count(*)::integer as count
            from brought b join tasker.definition_edge e on e.from_id = b.definition_id group by e.to_no) as g
        where c.task_id = p_origin.task_id and c.step_no = g.to_no and c.state = 'pending'
    )
    select array_agg(b.step_no order by b.step_no) into v_ready from brought b where b.waiting_on = 0;
    return v_ready;
end;
$$;

comment on function tasker.add_asked_steps(tasker.step) is
    'Internal. Writes the dynamic steps that a completed step has asked for.';
