-- What undoing a task adds to what is said of its steps, by their numbers: which step a compensation undoes, and what it
-- comes after (of the rank before its own, up to 20 names); and how far the compensation of a step is. Null for a task
-- that is not undone. Internal. Reads only. Index: the primary keys.

create or replace function tasker.describe_undoing(p_task_id uuid) returns jsonb
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    with made as materialized (
        select k.step_no, k.origin_no, k.state, c.rank, d.name, o.name as undoes, u.instance
        from tasker.step k
        join tasker.compensation c using (definition_id)
        join tasker.step_definition d using (definition_id)
        join tasker.step_definition o on o.definition_id = c.undoes_id
        join tasker.step u on u.task_id = k.task_id and u.step_no = k.origin_no
        where k.task_id = p_task_id
    ), before as (
        select r.rank, lead(r.names) over (order by r.rank) as names
        from (select m.rank, (array_agg(distinct m.name order by m.name))[:20] as names from made m group by m.rank) as r
    )
    select jsonb_object_agg(a.step_no, a.about) from (
        select m.step_no, jsonb_build_object('undoes', tasker.step_name(m.undoes, m.instance),
            'depends_on', jsonb_build_array(m.undoes) || coalesce(to_jsonb(b.names), '[]')) as about
        from made m join before b using (rank)
        union all
        select m.origin_no, jsonb_build_object('undone', m.state) from made m) as a
$$;

comment on function tasker.describe_undoing(uuid) is
    'Internal. What undoing a task adds to what is said of its steps.';
