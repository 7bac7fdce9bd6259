-- What errors of one cause have in common, in 12 hexadecimal digits: the template's name (in any version), the step, the
-- error's type, and its message without what differs each time. Internal. Reads only. Index: template's primary key.

create or replace function tasker.fingerprint_error(p_template_id integer, p_step text, p_error jsonb) returns text
language sql stable
set search_path = pg_catalog, tasker, pg_temp
set plan_cache_mode = auto
as $$
    select left(encode(sha256(convert_to(jsonb_build_array(p.namespace_id, p.name, p_step, p_error ->> 'type',
        tasker.normalise_message(p_error ->> 'message'))::text, 'UTF8')), 'hex'), 12)
    from tasker.template p where p.template_id = p_template_id
$$;

comment on function tasker.fingerprint_error(integer, text, jsonb) is
    'Internal. What errors of one cause have in common.';
