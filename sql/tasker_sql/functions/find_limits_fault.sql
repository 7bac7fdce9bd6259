-- The first fault in a list of limits of a definition, as a sentence, or null. Internal. Reads nothing but its argument.
-- A key is tried as a JSON path, because only that tells whether it is one.

create or replace function tasker.find_limits_fault(p_limits jsonb) returns text
language plpgsql immutable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_limit jsonb;
    v_fault text;
    v_variable text;
begin
    if coalesce(p_limits, 'null') = 'null' then
        return null;
    end if;
    if jsonb_typeof(p_limits) <> 'array' or jsonb_array_length(p_limits) > 8 then
        return 'limits must be an array of at most 8';
    end if;
    for v_limit in select l.value from jsonb_array_elements(p_limits) as l loop
        select c.what into v_fault from (values
            (1, jsonb_typeof(v_limit) <> 'object', 'a limit must be {name, key, unit, concurrency, rate, period}'),
            (2, coalesce(v_limit ->> 'name', 'a') !~ '^[a-zA-Z][a-zA-Z0-9_.-]{0,99}$',
                'limit.name must have up to 100 letters, digits and _ . -, a letter first'),
            (3, coalesce(v_limit ->> 'unit', 'step') not in ('step', 'task'), 'limit.unit must be step or task'),
            (4, coalesce(v_limit ->> 'concurrency', '1') !~ '^([1-9][0-9]{0,5}|1000000)$',
                'limit.concurrency must be null or 1 to 1,000,000'),
            (5, coalesce(v_limit ->> 'rate', '1') !~ '^([1-9][0-9]{0,5}|1000000)$', 'limit.rate must be null or 1 to 1,000,000'),
            (6, (v_limit ->> 'rate' is null) <> (v_limit ->> 'period' is null)
                or jsonb_typeof(coalesce(v_limit -> 'period', 'null')) not in ('null', 'number')
                or jsonb_typeof(v_limit -> 'period') = 'number'
                    and (v_limit ->> 'period')::numeric not between 0.001 and 86400,
                'limit.rate needs limit.period, in seconds, from 0.001 to a day'),
            (7, jsonb_typeof(coalesce(v_limit -> 'key', 'null')) not in ('null', 'string')
                or length(v_limit ->> 'key') not between 1 and 500, 'limit.key must be a JSON path of 1 to 500 characters'),
            (8, v_limit ->> 'concurrency' is null and v_limit ->> 'rate' is null and v_limit ->> 'key' is null,
                'a limit must have a concurrency, a rate or a key')
        ) as c(n, broken, what) where c.broken order by c.n limit 1;
        if v_fault is not null then
            return v_fault;
        end if;
        begin
            perform (v_limit ->> 'key')::jsonpath;
        exception when others then
            return format('limit.key %L is no JSON path: %s', v_limit ->> 'key', sqlerrm);
        end;
        select v.found[2] into v_variable -- the text of a path has quotes around all strings, and a $ before the names of variables
        from regexp_matches((v_limit ->> 'key')::jsonpath::text, '(\$?)"((?:[^"\\]|\\.)*)"', 'g') as v(found)
        where v.found[1] = '$' and (v.found[2] not in ('item', 'context') or v.found[2] = 'item' and v_limit ->> 'unit' = 'task')
        limit 1;
        if found then
            return case v_variable when 'item' then 'limit.key must not name $item where tasks are counted: a task has one place'
                else format('limit.key %L names $%s: there are $ (the input), $item and $context', v_limit ->> 'key', v_variable) end;
        end if;
    end loop;
    if (select count(*) > count(distinct coalesce(l.value ->> 'name', '')) from jsonb_array_elements(p_limits) as l) then
        return 'of several limits each needs a name of its own';
    end if;
    return null;
end;
$$;

comment on function tasker.find_limits_fault(jsonb) is
    'Internal. The first fault in a list of limits, or null.';
