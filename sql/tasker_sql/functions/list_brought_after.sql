-- The names of what a dynamic step stands behind: the step that asked for it, and those it waits for. Internal. Reads only.
-- Index: step's primary key, task_edge_to.

create or replace function tasker.list_brought_after(s tasker.step) returns jsonb
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select coalesce(jsonb_agg(tasker.step_name(d.name, p.instance) order by p.step_no), '[]')
    from (select s.origin_no as step_no
        union select e.from_no from tasker.task_edge e where e.task_id = s.task_id and e.to_no = s.step_no) as k
    join tasker.step p on p.task_id = s.task_id and p.step_no = k.step_no
    join tasker.step_definition d using (definition_id)
$$;

comment on function tasker.list_brought_after(tasker.step) is
    'Internal. The names of what a dynamic step stands behind.';
