-- Submits one task, in the caller's transaction: it exists when, and only if, that commits. As submit_tasks with one.

create or replace function tasker.submit_task(
    namespace text, template text, input jsonb default '{}', version text default null,
    idempotency_key text default null, on_conflict text default 'reject', priority integer default 0,
    correlation_id uuid default null, tags text[] default '{}', trace_context jsonb default null,
    start_at timestamptz default null, context jsonb default '{}'
) returns uuid
language sql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    select s.task_id from tasker.submit_tasks(
        submit_task.namespace, submit_task.template,
        jsonb_build_array(jsonb_build_object(
            'input', submit_task.input, 'idempotency_key', submit_task.idempotency_key,
            'priority', submit_task.priority, 'correlation_id', submit_task.correlation_id,
            'tags', to_jsonb(submit_task.tags), 'trace_context', submit_task.trace_context,
            'start_at', submit_task.start_at, 'context', submit_task.context)),
        submit_task.version, submit_task.on_conflict) as s
$$;

comment on function tasker.submit_task(text, text, jsonb, text, text, text, integer, uuid, text[], jsonb, timestamptz, jsonb) is
    'Submits a task of a registered template (by default the version registered last) in the caller''s own transaction '
    'and returns its id. With an idempotency_key, a second task under the same key and template is refused (TK003), or '
    'with on_conflict => ''return_existing'' the first one''s id is returned. start_at delays its first steps.';
