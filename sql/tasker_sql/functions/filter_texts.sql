-- What one key of a filter names: a string, a number or an array of them as texts; null where it is not given. Internal.

create or replace function tasker.filter_texts(p_value jsonb) returns text[]
language sql immutable parallel safe
set search_path = pg_catalog, tasker, pg_temp
as $$
    select case coalesce(jsonb_typeof(p_value), 'null')
        when 'array' then array(select jsonb_array_elements_text(p_value))
        when 'null' then null
        else array[p_value #>> '{}'] end
$$;

comment on function tasker.filter_texts(jsonb) is
    'Internal. What one key of a filter names.';
