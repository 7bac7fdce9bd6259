-- The first fault in a filter of tasks, as a sentence, or null; its times and templates apart (filter_time, find_tasks).
-- Internal. Reads nothing but its argument.

create or replace function tasker.find_filter_fault(p_filter jsonb) returns text
language sql immutable parallel safe
set search_path = pg_catalog, tasker, pg_temp
as $$
    select case when jsonb_typeof(p_filter) is distinct from 'object'
        then format('a filter is a JSON object, not %s', coalesce(jsonb_typeof(p_filter), 'null')) else (
    select c.what from jsonb_each(p_filter) as f(key, value)
    cross join lateral (select f.key in ('created', 'started', 'completed') as timed) as k
    cross join lateral (select array_to_string(tasker.filter_texts(f.value), ', ') as texts) as v
    cross join lateral (values
        (1, f.key not in ('state', 'namespace', 'template', 'tag', 'failed', 'error', 'message', 'fingerprint', 'priority',
                'correlation_id', 'parent', 'rerun_of', 'created', 'started', 'completed'),
            format('filter: there is no key %L; there are state, namespace, template, tag, failed, error, message, '
                'fingerprint, priority, correlation_id, parent, rerun_of, created, started, completed', f.key)),
        (2, k.timed and case jsonb_typeof(f.value) when 'object' then f.value - '{after,before}'::text[] <> '{}' or f.value = '{}'
                or f.value @? '$.* ? (@.type() != "string")' else true end,
            format('filter: %s is an object of times, {"after": …, "before": …}', f.key)),
        (3, not k.timed and case jsonb_typeof(f.value)
                when 'array' then jsonb_array_length(f.value) not between 1 and 1000
                    or f.value @? 'strict $[*] ? (@.type() != "string" && @.type() != "number")'
                else jsonb_typeof(f.value) not in ('string', 'number') end,
            format('filter: %s is a text, or an array of 1 to 1,000 of them', f.key)),
        (4, f.key = 'state' and not tasker.filter_texts(f.value) <@ enum_range(null::tasker.task_state)::text[],
            format('filter: no task state %s; they are %s', v.texts, array_to_string(enum_range(null::tasker.task_state), ', '))),
        (5, f.key = 'priority' and not tasker.filter_texts(f.value) <@ '{-2,-1,0,1,2}',
            format('filter: priority is from -2 (lowest) to 2 (highest), not %s', v.texts)),
        (6, f.key in ('correlation_id', 'parent', 'rerun_of') and exists (select from unnest(tasker.filter_texts(f.value)) as u(text)
                where u.text !~* '^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$'),
            format('filter: %s is a UUID, not %s', f.key, v.texts))
    ) as c(n, broken, what)
    where c.broken order by c.n, f.key limit 1) end
$$;

comment on function tasker.find_filter_fault(jsonb) is
    'Internal. The first fault in a filter of tasks, or null.';
