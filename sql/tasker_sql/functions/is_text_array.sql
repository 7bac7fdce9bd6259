-- Whether a JSON value is an array of strings. Internal. Without a fixed search_path, so that it is inlined: a definition of
-- 20,000 steps asks this 60,000 times.

create or replace function tasker.is_text_array(p_value jsonb) returns boolean
language sql immutable parallel safe
as $$
    select jsonb_typeof(p_value) = 'array' and not p_value @? 'strict $[*] ? (@.type() != "string")'
$$;

comment on function tasker.is_text_array(jsonb) is
    'Internal. Whether a JSON value is an array of strings.';
