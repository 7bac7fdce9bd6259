-- The first fault in one task of a submission, as a sentence, or null; whether a start time is one apart (check_start_times). Internal.
-- Reads nothing but its argument. Without a fixed search_path and without a subquery, so that it is inlined: it runs once per task.

create or replace function tasker.find_task_fault(p_task jsonb) returns text
language sql immutable parallel safe
as $$
    select case
        when jsonb_typeof(p_task -> 'idempotency_key') not in ('string', 'null')
            or length(p_task ->> 'idempotency_key') not between 1 and 512
            then 'an idempotency_key must be a string of 1 to 512 characters'
        when jsonb_typeof(p_task -> 'priority') not in ('number', 'null')
            or p_task ->> 'priority' !~ '^(0|-?[12])$'
            then 'a priority must be a whole number from -2 (lowest) to 2 (highest); 0 is normal'
        when jsonb_typeof(p_task -> 'correlation_id') not in ('string', 'null')
            or p_task ->> 'correlation_id' !~* '^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$'
            then 'a correlation_id must be a UUID'
        when jsonb_typeof(p_task -> 'tags') not in ('array', 'null')
            or jsonb_typeof(p_task -> 'tags') = 'array'
                and p_task @? 'strict $.tags[*] ? (@.type() != "string")'
            then 'tags must be an array of strings'
        when jsonb_typeof(p_task -> 'start_at') not in ('string', 'null') then 'a start_at must be a text, as 2030-01-31T12:00:00Z'
        when jsonb_typeof(p_task -> 'trace_context') not in ('object', 'null') then 'a trace_context must be an object'
        when jsonb_typeof(p_task -> 'context') not in ('object', 'null') then 'a context must be an object'
    end
$$;

comment on function tasker.find_task_fault(jsonb) is
    'Internal. The first fault in one task of a submission, or null.';
