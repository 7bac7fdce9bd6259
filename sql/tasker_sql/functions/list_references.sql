-- What the steps of an expansion refer to: the `no` of the one that does (from 1), the parameter that takes the result (null: it
-- only waits), and either the `item` of the same expansion, which must stand before, or the number of a step that is
-- there. One that is neither has both null. Internal. Reads only. Index: step's primary key.

create or replace function tasker.list_references(p_task_id uuid, p_expansion jsonb)
returns table (no integer, parameter text, reference jsonb, item integer, step_no integer)
language sql stable
set search_path = pg_catalog, tasker, pg_temp
set enable_hashjoin = on
as $$
    with reference as materialized (
        select i.no::integer as no, r.parameter, r.reference
        from jsonb_array_elements(p_expansion) with ordinality as i(value, no)
        cross join lateral (
            select t.key, t.value
            from jsonb_each(case jsonb_typeof(i.value -> 'takes') when 'object' then i.value -> 'takes' else '{}' end) as t
            union all
            select null, a.value
            from jsonb_array_elements(case jsonb_typeof(i.value -> 'after') when 'array' then i.value -> 'after' else '[]' end) as a
        ) as r(parameter, reference)
    ), named as materialized (
        select tasker.step_name(d.name, s.instance) as name, s.step_no
        from tasker.step s join tasker.step_definition d using (definition_id)
        where s.task_id = p_task_id and exists (select from reference r where jsonb_typeof(r.reference) = 'string')
    )
    select r.no, r.parameter, r.reference,
        case when jsonb_typeof(r.reference) = 'number' and r.reference::text ~ '^[0-9]{1,5}$'
            then case when r.reference::text::integer < r.no - 1 then r.reference::text::integer + 1 end end,
        n.step_no
    from reference r left join named n on n.name = case jsonb_typeof(r.reference) when 'string' then r.reference #>> '{}' end
$$;

comment on function tasker.list_references(uuid, jsonb) is
    'Internal. What the steps of an expansion refer to.';
