-- Whether a JSON value is an array of strings. Its body is read when it is created, so that it needs no search path of its own
-- and can be inlined: a definition of 20,000 steps asks this 60,000 times. Internal.

create or replace function tasker.is_text_array(p_value jsonb) returns boolean
language sql immutable parallel safe
return jsonb_typeof(p_value) = 'array' and not p_value @? 'strict $[*] ? (@.type() != "string")';

comment on function tasker.is_text_array(jsonb) is
    'Internal. Whether a JSON value is an array of strings.';
