-- The first fault in a schedule's definition, as a sentence, or null; its times and its zone apart (check_schedule).
-- Internal. Reads nothing but its argument.

create or replace function tasker.find_schedule_fault(p_definition jsonb) returns text
language sql immutable parallel safe
set search_path = pg_catalog, tasker, pg_temp
as $$
    select case
        when jsonb_typeof(p_definition) is distinct from 'object' then 'a schedule must be a JSON object'
        when u.key is not null then format('a schedule has no key %L', u.key)
        when jsonb_typeof(p_definition -> 'template') is distinct from 'string' then 'a schedule needs the name of a template'
        when jsonb_typeof(p_definition -> 'version') <> 'string' then 'a version must be a string'
        when (p_definition ? 'cron')::integer + (p_definition ? 'every')::integer + (p_definition ? 'at')::integer <> 1
            then 'a schedule has either cron, or every, or at'
        when jsonb_typeof(p_definition -> 'cron') <> 'string'
            or p_definition ->> 'cron' !~ '^\s*(@[a-zA-Z]+|\S+(\s+\S+){4,5})\s*$'
            then 'cron must be an expression of five or six fields, or a name such as @daily'
        when jsonb_typeof(p_definition -> 'every') <> 'number'
            or (p_definition -> 'every')::double precision not between 1 and 315360000
            then 'every must be a number of seconds, from 1 to ten years'
        when p_definition ? 'offset' and not p_definition ? 'every' then 'an offset goes with every'
        when jsonb_typeof(p_definition -> 'offset') <> 'number'
            or (p_definition -> 'offset')::double precision < 0
            or (p_definition -> 'offset')::double precision >= (p_definition -> 'every')::double precision
            then 'an offset must be a number of seconds, at least 0 and less than every'
        when p_definition ? 'time_zone' and not p_definition ? 'cron' then 'a time zone goes with cron'
        when jsonb_typeof(p_definition -> 'time_zone') <> 'string' then 'a time zone must be a string'
        when jsonb_typeof(p_definition -> 'jitter') <> 'number'
            or (p_definition -> 'jitter')::double precision not between 0 and 86400
            then 'jitter must be a number of seconds, from 0 to a day'
        when jsonb_typeof(p_definition -> 'catchup_window') <> 'number'
            or (p_definition -> 'catchup_window')::double precision not between 10 and 315360000
            then 'a catch-up window must be a number of seconds, from 10 to ten years'
        when tasker.find_overlap_fault(p_definition ->> 'overlap') is not null
            then tasker.find_overlap_fault(p_definition ->> 'overlap')
        when p_definition #> '{context,schedule}' is not null
            then 'the key schedule of a context is where tasks find the schedule: give it another name'
        else tasker.find_task_fault(jsonb_build_object(
            'priority', p_definition -> 'priority', 'tags', p_definition -> 'tags', 'context', p_definition -> 'context'))
    end
    from (select min(k) as key from jsonb_object_keys(
        case jsonb_typeof(p_definition) when 'object' then p_definition else '{}' end) as k
        where k not in ('template', 'version', 'input', 'context', 'tags', 'priority', 'cron', 'time_zone', 'every', 'offset',
            'at', 'jitter', 'start_at', 'end_at', 'overlap', 'catchup_window')) as u
$$;

comment on function tasker.find_schedule_fault(jsonb) is
    'Internal. The first fault in a schedule''s definition, or null.';
