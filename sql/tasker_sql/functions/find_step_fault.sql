-- The first fault in one step of a definition, as a sentence, or null. Internal. Reads nothing but its argument.

create or replace function tasker.find_step_fault(p_step jsonb) returns text
language sql immutable parallel safe
set search_path = pg_catalog, tasker, pg_temp
as $$
    select c.what from (select case when p_step ->> 'compensate' is not null
        then tasker.find_compensation_fault(p_step -> 'compensate') end) as k(fault),
        (select case when p_step ->> 'limits' is not null then tasker.find_limits_fault(p_step -> 'limits') end) as l(fault),
        (select case when p_step ->> 'input_schema' is not null then tasker.find_input_schema_fault(p_step) end) as i(fault),
        lateral (values
        (1, jsonb_typeof(p_step) is distinct from 'object', 'is no JSON object'),
        (2, coalesce(length(p_step ->> 'name'), 0) not between 1 and 128, 'name must have 1 to 128 characters'),
        (2, p_step ->> 'name' like '%/%', 'name must have no slash: that stands before a place in a batch'),
        (3, coalesce(length(p_step ->> 'handler'), 0) = 0, 'handler is missing'),
        (4, coalesce(p_step ->> 'kind', 'standard')
            not in ('standard', 'decision', 'deferred_convergence', 'batchable', 'batch_worker', 'dynamic'),
            'kind must be standard, decision, deferred_convergence, batchable, batch_worker or dynamic'),
        (5, not tasker.is_text_array(coalesce(p_step -> 'depends_on', '[]')), 'depends_on must be an array of step names'),
        (6, coalesce(p_step ->> 'queue', 'a') !~ '^[a-z][a-z0-9_]{0,38}$',
            'queue must be up to 39 lower-case letters, digits and underscores'),
        (7, coalesce(p_step #>> '{retry,max_attempts}', '3') !~ '^[0-9]{1,4}$'
            or (coalesce(p_step #>> '{retry,max_attempts}', '3'))::integer not between 1 and 1000,
            'retry.max_attempts must be 1 to 1000'),
        (8, coalesce(p_step #>> '{retry,backoff}', 'none')
            not in ('none', 'fixed', 'linear', 'exponential', 'fibonacci'),
            'retry.backoff must be none, fixed, linear, exponential or fibonacci'),
        (9, exists (select from (values (p_step #> '{retry,base}'), (p_step #> '{retry,cap}'),
                (p_step -> 'attempt_time_limit'), (p_step -> 'step_time_limit')) as l(value)
            where jsonb_typeof(l.value) not in ('number', 'null')
                or (jsonb_typeof(l.value) = 'number' and (l.value #>> '{}')::numeric not between 0 and 315360000)),
            'times must be seconds, from 0 to ten years'),
        (10, jsonb_typeof(coalesce(p_step #> '{retry,jitter}', '0')) <> 'number'
            or (p_step #>> '{retry,jitter}')::numeric not between 0 and 1, 'retry.jitter must be 0 to 1'),
        (11, not tasker.is_text_array(coalesce(p_step #> '{retry,permanent_errors}', '[]')),
            'retry.permanent_errors must be an array of names'),
        (12, jsonb_typeof(coalesce(p_step -> 'retry', '{}')) <> 'object', 'retry must be an object'),
        (13, jsonb_typeof(coalesce(p_step -> 'config', '{}')) <> 'object', 'config must be an object'),
        (14, jsonb_typeof(coalesce(p_step -> 'batch', '{}')) not in ('object', 'null'), 'batch must be an object'),
        (15, jsonb_typeof(coalesce(p_step #> '{batch,parallelism}', 'null')) not in ('null', 'number')
            or coalesce(p_step #>> '{batch,parallelism}', '1') !~ '^[1-9][0-9]{0,5}$',
            'batch.parallelism must be null or 1 to 999,999'),
        (16, coalesce(p_step #>> '{batch,on_failure}', 'wait') not in ('wait', 'continue', 'fail_task'),
            'batch.on_failure must be wait, continue or fail_task'),
        (17, k.fault is not null, k.fault),
        (18, not tasker.is_text_array(coalesce(nullif(p_step -> 'expands', 'null'), '[]')),
            'expands must be an array of names of dynamic steps'),
        (19, l.fault is not null, l.fault),
        (20, p_step -> 'limits' @? '$[*] ? (@.unit == "task")', 'a limit that counts tasks belongs to the template: a task has its '
            'place from its first step to its end, and two that took places midway could wait for each other'),
        (21, i.fault is not null, i.fault)
    ) as c(n, broken, what) where c.broken order by c.n limit 1;
$$;

comment on function tasker.find_step_fault(jsonb) is
    'Internal. The first fault in one step of a definition, or null.';
