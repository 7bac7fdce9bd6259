-- The registered templates. Reads only.

create or replace function tasker.list_templates(namespace text default null) returns setof json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    select json_build_object('namespace', n.name, 'name', t.name, 'version', t.version, 'fingerprint', t.fingerprint,
        'description', t.definition -> 'description', 'created_at', t.created_at, 'paused', t.paused,
        'steps', (select count(*) from tasker.step_definition d where d.template_id = t.template_id))
    from tasker.template t join tasker.namespace n using (namespace_id)
    where list_templates.namespace is null or n.name = list_templates.namespace
    order by n.name, t.name, t.template_id desc
$$;

comment on function tasker.list_templates(text) is
    'Registered templates, the latest version of each name first: {namespace, name, version, fingerprint, description, '
    'created_at, paused, steps: how many}.';
