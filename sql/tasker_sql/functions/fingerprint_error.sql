-- What errors of one cause have in common, in 12 hexadecimal digits: the template in any version, the step, the error's type,
-- and its message without what differs each time. Internal.

create or replace function tasker.fingerprint_error(p_namespace text, p_template text, p_step text, p_error jsonb) returns text
language sql immutable parallel safe
set search_path = pg_catalog, tasker, pg_temp
as $$
    select left(encode(sha256(convert_to(jsonb_build_array(p_namespace, p_template, p_step, p_error ->> 'type',
        tasker.normalise_message(p_error ->> 'message'))::text, 'UTF8')), 'hex'), 12)
$$;

comment on function tasker.fingerprint_error(text, text, text, jsonb) is
    'Internal. What errors of one cause have in common.';
