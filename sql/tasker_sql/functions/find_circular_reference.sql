-- Why what a step asked for would wait for itself, as a sentence, or null. What is asked for holds back the convergences that
-- gather it; so it cannot wait for one of those, nor for anything that does. Looks up from the steps that are referred to, as
-- far as they are unresolved: mostly none is. Internal. Reads only.
-- Index: step's primary key, definition_edge_to, task_edge_to.

create or replace function tasker.find_circular_reference(p_task_id uuid, p_expansion jsonb) returns text
language sql stable
set search_path = pg_catalog, tasker, pg_temp
set enable_hashjoin = on
as $$
    with recursive above as (
        select r.no, r.reference, s.step_no, s.definition_id
        from tasker.list_references(p_task_id, p_expansion) as r
        join tasker.step s on s.task_id = p_task_id and s.step_no = r.step_no
        where s.state not in ('complete', 'resolved_manually', 'tolerated')
        union
        select a.no, a.reference, p.step_no, p.definition_id
        from above a cross join lateral (
            select k.* from tasker.definition_edge e
            join tasker.step k on k.task_id = p_task_id and k.definition_id = e.from_id where e.to_id = a.definition_id
            union all
            select k.* from tasker.task_edge e
            join tasker.step k on k.task_id = p_task_id and k.step_no = e.from_no
            where e.task_id = p_task_id and e.to_no = a.step_no) as p
        where p.state not in ('complete', 'resolved_manually', 'tolerated')
    )
    select format('expansion, step %s: it cannot wait for %s, because %s, which gathers %s, would wait for both', a.no - 1, a.reference,
        c.name, d.name)
    from above a
    join tasker.step_definition c on c.definition_id = a.definition_id
    join tasker.definition_edge e on e.to_id = a.definition_id
    join tasker.step_definition d on d.definition_id = e.from_id and d.kind = 'dynamic'
        and d.name in (select i.value ->> 'step' from jsonb_array_elements(p_expansion) as i)
    order by a.no limit 1
$$;

comment on function tasker.find_circular_reference(uuid, jsonb) is
    'Internal. Why what a step asked for would wait for itself, or null.';
