-- Whether a JSON value is an array of strings. Internal.

create or replace function tasker.is_text_array(p_value jsonb) returns boolean
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select jsonb_typeof(p_value) = 'array' and not exists (
        select from jsonb_array_elements(case jsonb_typeof(p_value) when 'array' then p_value else '[]' end) as e
        where jsonb_typeof(e.value) <> 'string')
$$;

comment on function tasker.is_text_array(jsonb) is
    'Internal. Whether a JSON value is an array of strings.';
