-- What is wrong with what a step says it takes, as a sentence, or null: it is an object, whose fields are the task's input and
-- the results of steps that it depends on. Of a dynamic step the fields are its arguments. Internal. Reads nothing but its argument.

create or replace function tasker.find_input_schema_fault(p_step jsonb) returns text
language sql immutable parallel safe
set search_path = pg_catalog, tasker, pg_temp
as $$
    select case
        when s.value ->> 'type' is distinct from 'object' or jsonb_typeof(coalesce(s.value -> 'properties', '{}')) <> 'object'
            then 'input_schema must be an object''s: {"type": "object", "properties": ...}'
        when p_step ->> 'kind' is distinct from 'dynamic' then (
            select format('input_schema names the field %s, which is neither input nor a step that it depends on', f.name)
            from (select jsonb_object_keys(coalesce(s.value -> 'properties', '{}'))
                union all select r.value #>> '{}' from jsonb_path_query(s.value, '$.required[*]') as r(value)) as f(name)
            where f.name <> 'input' and not coalesce(p_step -> 'depends_on', '[]') ? f.name limit 1)
    end
    from (select p_step -> 'input_schema') as s(value);
$$;

comment on function tasker.find_input_schema_fault(jsonb) is
    'Internal. What is wrong with what a step says it takes, or null.';
