-- Refuses a submission that is malformed, before anything is written. Internal. Reads nothing but its arguments.

create or replace function tasker.check_submission(p_tasks jsonb, p_on_conflict text) returns void
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_unknown text;
    v_what text;
begin
    if p_on_conflict is distinct from 'reject' and p_on_conflict is distinct from 'return_existing' then
        raise exception using errcode = 'TK002',
            message = format('on_conflict is %L', p_on_conflict), hint = 'It is reject or return_existing.';
    end if;
    if jsonb_typeof(p_tasks) is distinct from 'array' or jsonb_array_length(p_tasks) > 10000
        or exists (select from jsonb_array_elements(p_tasks) as t where jsonb_typeof(t.value) <> 'object') then
        raise exception using errcode = 'TK002',
            message = 'tasks must be a JSON array of at most 10,000 objects', hint = 'Nothing was submitted.';
    end if;
    select k into v_unknown from jsonb_array_elements(p_tasks) as t, jsonb_object_keys(t.value) as k
    where k not in ('input', 'idempotency_key', 'priority', 'correlation_id', 'tags', 'trace_context', 'start_at', 'context')
    limit 1;
    if v_unknown is not null then
        raise exception using errcode = 'TK002', message = format('a task has the unknown key %L', v_unknown),
            hint = 'Known are input, idempotency_key, priority, correlation_id, tags, trace_context, start_at, context.';
    end if;
    select f.what into v_what
    from (select tasker.find_task_fault(t.value) as what from jsonb_array_elements(p_tasks) as t offset 0) as f
    where f.what is not null limit 1;
    if v_what is not null then
        raise exception using errcode = 'TK002', message = v_what, hint = 'Nothing was submitted.';
    end if;
    if p_tasks @? '$[*].start_at ? (@ != null)' then
        perform tasker.check_start_times(p_tasks);
    end if;
end;
$$;

comment on function tasker.check_submission(jsonb, text) is
    'Internal. Raises TK002 when a submission is malformed.';
