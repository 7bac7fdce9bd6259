-- One template with its definition. Reads only.

create or replace function tasker.get_template(namespace text, name text, version text default null) returns json
language plpgsql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_template tasker.template := tasker.find_template(get_template.namespace, get_template.name, get_template.version);
begin
    return json_build_object('template_id', v_template.template_id, 'namespace', get_template.namespace,
        'name', v_template.name, 'version', v_template.version, 'fingerprint', v_template.fingerprint,
        'created_at', v_template.created_at, 'paused', v_template.paused, 'definition', v_template.definition);
end;
$$;

comment on function tasker.get_template(text, text, text) is
    'A registered template with its definition, by default the version registered last. TK001 when there is none.';
