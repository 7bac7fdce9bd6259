-- What a repeated task has kept of its original, and what runs again. Internal. Reads only. Index: the primary keys.

create or replace function tasker.describe_rerun(p_task_id uuid) returns json
language sql stable
set search_path = pg_catalog, tasker, pg_temp
set enable_nestloop = off
set jit = off
as $$
    with step as materialized (
        select tasker.step_name(d.name, s.instance) as name, s.step_no,
            s.task_id = p_task_id and s.state in ('complete', 'resolved_manually', 'tolerated') as kept
        from tasker.task t join tasker.step s on s.task_id in (t.task_id, t.rerun_of)
        join tasker.step_definition d using (definition_id)
        where t.task_id = p_task_id and d.kind <> 'compensation'
    ), named as (
        select s.name, bool_or(s.kept) as kept, min(s.step_no) as step_no from step s group by s.name
    )
    select json_build_object('task_id', t.task_id, 'rerun_of', t.rerun_of, 'state', t.state, 'version', p.version,
        'kept', n.kept, 'again', n.again)
    from tasker.task t join tasker.template p using (template_id)
    cross join (select coalesce(json_agg(n.name order by n.step_no) filter (where n.kept), '[]') as kept,
        coalesce(json_agg(n.name order by n.step_no) filter (where not n.kept), '[]') as again from named n) as n
    where t.task_id = p_task_id
$$;

comment on function tasker.describe_rerun(uuid) is
    'Internal. What a repeated task has kept of its original, and what runs again.';
