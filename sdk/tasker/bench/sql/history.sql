-- Writes finished tasks of a registered template behind what is measured, as if they had run: for `tasker bench --history`.
-- Needs the role that owns the schema. Parameters: how many, the template's namespace and name.
with template as (
    select t.template_id from tasker.template t join tasker.namespace n using (namespace_id)
    where n.name = %(namespace)s and t.name = %(name)s order by t.template_id desc limit 1
), task as (
    insert into tasker.task (task_id, template_id, live, state, priority, created_at, completed_at, tags, context, input)
    select tasker.uuidv7(), p.template_id, 0, 'complete', 0, now(), now(), '{}', '{}', jsonb_build_object('number', i)
    from template p, generate_series(1, %(tasks)s) as i
    returning task_id, template_id
)
insert into tasker.step (task_id, step_no, definition_id, enqueued_at, started_at, completed_at, waiting_on, state,
    attempt, attempt_limit, result)
select t.task_id, d.step_no, d.definition_id, now(), now(), now(), 0, 'complete', 1, d.max_attempts,
    '{"number": 1, "note": "ok"}'
from task t join tasker.step_definition d using (template_id)
