-- One approval as JSON, the same for every query that shows approvals. Internal. Reads only. Index: the primary keys.

create or replace function tasker.describe_approval(a tasker.approval) returns json
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select json_build_object(
        'task_id', a.task_id, 'namespace', n.name, 'template', p.name, 'version', p.version,
        'step', tasker.step_name(d.name, s.instance), 'name', a.name, 'state', tasker.approval_state(a),
        'title', a.title, 'data', a.data, 'form', a.form, 'who', a.who, 'asked_at', a.asked_at, 'expires_at', a.expires_at,
        'approved', a.approved, 'answer', a.answer, 'answered_by', a.answered_by, 'reason', a.reason,
        'answered_at', a.answered_at)
    from tasker.step s
    join tasker.step_definition d using (definition_id)
    join tasker.template p using (template_id)
    join tasker.namespace n using (namespace_id)
    where s.task_id = a.task_id and s.step_no = a.step_no
$$;

comment on function tasker.describe_approval(tasker.approval) is
    'Internal. One approval as JSON.';
