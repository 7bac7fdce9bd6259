-- Of which step of which task a task is the child; null when it is none. Internal. Reads only. Index: the primary keys.

create or replace function tasker.describe_parent(p_task_id uuid) returns jsonb
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select jsonb_build_object('task_id', c.parent_id, 'step', tasker.step_name(d.name, s.instance), 'name', c.name,
        'on_parent_end', c.on_parent_end, 'depth', c.depth)
    from tasker.child c
    left join tasker.step s on s.task_id = c.parent_id and s.step_no = c.parent_step
    left join tasker.step_definition d using (definition_id)
    where c.child_id = p_task_id
$$;

comment on function tasker.describe_parent(uuid) is
    'Internal. Of which step of which task a task is the child.';
