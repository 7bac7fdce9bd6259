-- The children of a task, in the order in which they were started. Reads only. Index: child (parent_id, …), the primary keys.

create or replace function tasker.list_children(task_id uuid, after uuid default null, max_rows integer default 1000)
returns setof json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    select json_build_object('task_id', t.task_id, 'name', c.name, 'step', tasker.step_name(d.name, s.instance),
        'namespace', n.name, 'template', p.name, 'version', p.version, 'state', tasker.shown_state(t), 'on_parent_end', c.on_parent_end,
        'created_at', t.created_at, 'completed_at', t.completed_at, 'reason', t.reason)
    from tasker.child c
    join tasker.task t on t.task_id = c.child_id
    join tasker.template p using (template_id)
    join tasker.namespace n using (namespace_id)
    join tasker.step s on s.task_id = c.parent_id and s.step_no = c.parent_step
    join tasker.step_definition d on d.definition_id = s.definition_id
    where c.parent_id = list_children.task_id
        and (list_children.after is null or c.child_id > list_children.after)
    order by c.child_id limit least(greatest(coalesce(list_children.max_rows, 1000), 0), 10000)
$$;

comment on function tasker.list_children(uuid, uuid, integer) is
    'The child tasks that steps of a task have started, oldest first; after (a task id) gives the next page. Each is {task_id, name, step: '
    'the one that started it, namespace, template, version, state, on_parent_end, created_at, completed_at, reason}.';
