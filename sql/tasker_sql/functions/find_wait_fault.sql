-- Why a step cannot wait for what an outcome says, as a sentence, or null. Internal. Reads nothing but its argument.
-- Without a fixed search_path and without anything that is not immutable (format is not), so that it is inlined: it runs once per step that begins to wait.

create or replace function tasker.find_wait_fault(p_wait jsonb) returns text
language sql immutable parallel safe
as $$
    select case
        when jsonb_typeof(p_wait) is distinct from 'object'
            then 'its wait is no object, but ' || coalesce(jsonb_typeof(p_wait), 'missing')
        when jsonb_typeof(p_wait -> 'name') not in ('string', 'null') or length(p_wait ->> 'name') = 0
            then 'the name of its wait must be a text of a character or more'
        when jsonb_typeof(p_wait -> 'event') not in ('string', 'null') or length(p_wait ->> 'event') not between 1 and 255
            then 'the event that it waits for must be a name of 1 to 255 characters'
        when jsonb_typeof(p_wait -> 'task') not in ('string', 'null')
            or p_wait ->> 'task' !~* '^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$'
            then 'the task that it waits for must be a UUID'
        when jsonb_typeof(p_wait -> 'until_blocked') not in ('boolean', 'null') then 'until_blocked must be true or false'
        when jsonb_typeof(p_wait -> 'seconds') not in ('number', 'null') or (p_wait ->> 'seconds')::numeric not between -1e300 and 1e300
            then 'the seconds that it waits must be a number'
        when jsonb_typeof(p_wait -> 'approval') not in ('object', 'null')
            or jsonb_typeof(p_wait -> 'approval') = 'object' and (jsonb_typeof(p_wait #> '{approval,name}') = 'string') is not true
            or length(p_wait #>> '{approval,name}') not between 1 and 255
            then 'the approval that it asks for must have a name of 1 to 255 characters'
        when not tasker.is_text_array(coalesce(nullif(p_wait #> '{approval,who}', 'null'), '[]'))
            then 'who may answer must be an array of names'
    end
$$;

comment on function tasker.find_wait_fault(jsonb) is
    'Internal. Why a step cannot wait for what an outcome says, or null.';
