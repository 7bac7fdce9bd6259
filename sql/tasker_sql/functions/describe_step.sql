-- One step as JSON, the same for every query that shows steps. What its task's undoing adds to that is given
-- (describe_undoing). Internal. Reads only. Index: the primary keys.

create or replace function tasker.describe_step(s tasker.step, d tasker.step_definition, p_undoing jsonb) returns jsonb
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select jsonb_build_object(
        'step_no', s.step_no, 'name', tasker.step_name(d.name, s.instance), 'state', s.state, 'handler', d.handler,
        'kind', d.kind,
        'queue', (select q.name from tasker.queue q where q.queue_id = d.queue_id),
        'waiting_on', s.waiting_on, 'attempt', s.attempt, 'max_attempts', s.attempt_limit,
        'worker', coalesce((select w.name from tasker.worker w where w.worker_id = s.worker_id), s.worker_id::text),
        'worker_id', s.worker_id, 'enqueued_at', s.enqueued_at, 'started_at', s.started_at,
        'origin_no', s.origin_no, 'instance', s.instance, 'input', s.input, 'completed_at', s.completed_at,
        'deadline_at', s.deadline_at, 'progress', s.progress, 'error', s.error,
        'result', s.result,
        'undoes', null, 'undone', null,
        'depends_on', (select coalesce(jsonb_agg(p.name order by p.step_no), '[]')
            from tasker.definition_edge e join tasker.step_definition p on p.definition_id = e.from_id
            where e.to_id = d.definition_id)
            || case d.kind when 'dynamic' then tasker.list_brought_after(s) else '[]' end)
        || coalesce(p_undoing -> s.step_no::text, '{}')
$$;

comment on function tasker.describe_step(tasker.step, tasker.step_definition, jsonb) is
    'Internal. One step as JSON.';
