-- What workers keep of step definitions, which never change. Reads only, and not the templates' definitions, which may be megabytes.

create or replace function tasker.get_definitions(definition_ids integer[]) returns json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    select coalesce(json_agg(json_build_object(
        'definition_id', d.definition_id, 'namespace', n.name, 'template', t.name, 'version', t.version,
        'kind', d.kind, 'name', d.name, 'handler', d.handler, 'config', d.config,
        'attempt_time_limit', extract(epoch from d.attempt_time_limit),
        'task_input_schema', t.input_schema, 'input_schema', d.input_schema, 'result_schema', d.result_schema,
        'parents', (select coalesce(json_agg(json_build_array(p.step_no, p.name) order by p.step_no), '[]')
            from tasker.step_definition p where p.definition_id in (
                select e.from_id from tasker.definition_edge e where e.to_id = d.definition_id
                union all select unnest(c.undoes_id || c.takes) from tasker.compensation c
                where c.definition_id = d.definition_id
                union all select e.from_id from tasker.compensation c
                join tasker.step_definition w on w.definition_id = c.undoes_id and w.kind = 'batch_worker'
                join tasker.definition_edge e on e.to_id = w.definition_id where c.definition_id = d.definition_id)))), '[]')
    from tasker.step_definition d
    join tasker.template t using (template_id)
    join tasker.namespace n using (namespace_id)
    where d.definition_id = any (get_definitions.definition_ids)
$$;

comment on function tasker.get_definitions(integer[]) is
    'For workers. Step definitions by id: handler, config, limits, schemas and parents. They never change.';
