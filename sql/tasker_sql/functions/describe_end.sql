-- What a step that waits for a task is given when that has ended: as get_task_result, with at most 20 errors, and those without
-- their tracebacks. A task that is gone has no state. Internal. Reads only. Index: the primary keys.

create or replace function tasker.describe_end(p_task_id uuid) returns jsonb
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select jsonb_build_object('task', p_task_id, 'state', t.state, 'reason', t.reason,
        'result', case when t.state in ('complete', 'resolved_manually') then (
            select case when count(*) = 1 then (array_agg(l.result))[1] else jsonb_object_agg(l.name, l.result) end
            from tasker.list_last_results(t.task_id) as l) end,
        'errors', (select coalesce(jsonb_agg(jsonb_build_object('step', f.name, 'type', f.error -> 'type',
                'message', f.error -> 'message') order by f.step_no), '[]')
            from (select s.step_no, tasker.step_name(d.name, s.instance) as name, s.error
                from tasker.step s join tasker.step_definition d using (definition_id)
                where s.task_id = t.task_id and s.state = 'error' order by s.step_no limit 20) as f))
    from (select p_task_id as task_id) as k left join tasker.task t using (task_id)
$$;

comment on function tasker.describe_end(uuid) is
    'Internal. What a step that waits for a task is given when that has ended.';
