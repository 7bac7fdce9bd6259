-- One approval. Reads only. Index: the primary keys.

create or replace function tasker.get_approval(task_id uuid, name text, step_name text default null) returns json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    select tasker.describe_approval(tasker.find_approval(get_approval.task_id, get_approval.name, get_approval.step_name))
$$;

comment on function tasker.get_approval(uuid, text, text) is
    'What a step asks people, and what was answered: {task_id, namespace, template, version, step, name, state: open | approved | '
    'rejected | expired | closed, title, data, form: a JSON Schema, who, asked_at, expires_at, approved, answer, answered_by, reason, '
    'answered_at}. TK001 when there is none, TK002 when several steps ask under the name and none is given.';
