-- Tasks, newest first, a page at a time. Reads only. Index: the primary key backwards; task_correlation, task_tags and
-- task_open where they fit, which only a plan made for the given filters can know.

create or replace function tasker.list_tasks(
    namespace text default null, template text default null, state text default null, tag text default null,
    correlation_id uuid default null, before uuid default null, max_rows integer default 50, parent uuid default null
) returns setof json
language plpgsql stable security definer
set search_path = pg_catalog, tasker, pg_temp
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
    if list_tasks.state <> all (enum_range(null::tasker.task_state)::text[]) then
        raise exception using errcode = 'TK002', message = format('no task state %L', list_tasks.state),
            hint = 'They are: ' || array_to_string(enum_range(null::tasker.task_state), ', ') || '.';
    end if;
    return query
    select json_build_object(
        'task_id', t.task_id, 'namespace', n.name, 'template', p.name, 'version', p.version, 'state', tasker.shown_state(t),
        'priority', t.priority, 'correlation_id', t.correlation_id, 'tags', t.tags,
        'created_at', t.created_at, 'start_at', t.start_at, 'completed_at', t.completed_at, 'reason', t.reason,
        'live', t.live, 'failed', t.failed, 'ends_as', t.ends_as,
        'parent_id', (select c.parent_id from tasker.child c where t.linked and c.child_id = t.task_id))
    from tasker.task t
    join tasker.template p using (template_id)
    join tasker.namespace n using (namespace_id)
    where (list_tasks.namespace is null or n.name = list_tasks.namespace)
        and (list_tasks.template is null or p.name = list_tasks.template)
        and (list_tasks.state is null or tasker.shown_state(t) = list_tasks.state::tasker.task_state
            and t.state = case list_tasks.state when 'waiting' then 'in_progress' else list_tasks.state end::tasker.task_state)
        and (list_tasks.tag is null or t.tags @> array[list_tasks.tag] and t.tags <> '{}')
        and (list_tasks.correlation_id is null or t.correlation_id = list_tasks.correlation_id)
        and (list_tasks.parent is null
            or t.task_id in (select c.child_id from tasker.child c where c.parent_id = list_tasks.parent))
        and (list_tasks.before is null or t.task_id < list_tasks.before)
    order by t.task_id desc
    limit least(greatest(coalesce(list_tasks.max_rows, 50), 0), 10000);
end;
$$;

comment on function tasker.list_tasks(text, text, text, text, uuid, uuid, integer, uuid) is
    'Tasks that match every given filter, newest first; before (a task id) gives the next page. Each is {task_id, '
    'namespace, template, version, state, priority, correlation_id, tags, created_at, start_at, completed_at, reason, '
    'live, failed, ends_as, parent_id}; parent leaves the children of one task.';
