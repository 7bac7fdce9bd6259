-- Tasks that fit a filter, newest first. Reads only. Index: as find_tasks.

create or replace function tasker.list_tasks(filter jsonb default '{}', before uuid default null, max_rows integer default 50)
returns setof json
language plpgsql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_page record;
    v_before uuid := list_tasks.before;
    v_left integer := least(greatest(coalesce(list_tasks.max_rows, 50), 0), 10000);
begin
    loop
        v_page := tasker.find_tasks(list_tasks.filter, v_before, v_left);
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
        where t.task_id = any (v_page.ids)
        order by t.task_id desc;
        v_left := v_left - cardinality(v_page.ids);
        v_before := v_page.next;
        exit when v_left = 0 or v_before is null;
    end loop;
end;
$$;

comment on function tasker.list_tasks(jsonb, uuid, integer) is
    'Tasks that fit a filter, newest first; before (a task id) gives the next page, of at most 10,000. The filter is an object, of '
    'whose keys all must fit: state, namespace, template (name, namespace/name or either @version), priority (-2 to 2), '
    'correlation_id, parent, rerun_of, and of a step that failed for good: failed (its name), error (its type), message (a text in it) and '
    'fingerprint; each one or an array, of which one must fit; tag, of which all must; created, started and completed: '
    '{after, before}, each a timestamp with its zone or how long ago (2d). Returns of each {task_id, namespace, template, '
    'version, state, priority, correlation_id, tags, created_at, start_at, completed_at, reason, live, failed, ends_as, parent_id}. '
    'TK002 for a filter that is none, TK001 for a template that is not there.';
