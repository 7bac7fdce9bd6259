-- What workers keep of step definitions, which never change. Reads only. A template's definition may be megabytes: it is taken
-- apart once, not once for each step.

create or replace function tasker.get_definitions(definition_ids integer[]) returns json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    with wanted as materialized (
        select d.* from tasker.step_definition d where d.definition_id = any (get_definitions.definition_ids)
    ), template as materialized (
        select t.template_id, t.name, t.version, t.definition -> 'input_schema' as input_schema, n.name as namespace
        from tasker.template t join tasker.namespace n using (namespace_id)
        where t.template_id in (select w.template_id from wanted w)
    ), result as materialized (
        select t.template_id, s.no, s.step -> 'result_schema' as result_schema
        from tasker.template t cross join lateral jsonb_array_elements(t.definition -> 'steps') with ordinality as s(step, no)
        where t.template_id in (select w.template_id from wanted w) and s.step ->> 'result_schema' is not null
    )
    select coalesce(json_agg(json_build_object(
        'definition_id', d.definition_id, 'namespace', t.namespace, 'template', t.name, 'version', t.version,
        'kind', d.kind, 'name', d.name, 'handler', d.handler, 'config', d.config,
        'attempt_time_limit', extract(epoch from d.attempt_time_limit),
        'input_schema', t.input_schema, 'result_schema', r.result_schema,
        'parents', (select coalesce(json_agg(json_build_array(p.step_no, p.name) order by p.step_no), '[]')
            from tasker.step_definition p where p.definition_id in (
                select e.from_id from tasker.definition_edge e where e.to_id = d.definition_id
                union all select unnest(c.undoes_id || c.takes) from tasker.compensation c
                where c.definition_id = d.definition_id
                union all select e.from_id from tasker.compensation c
                join tasker.step_definition w on w.definition_id = c.undoes_id and w.kind = 'batch_worker'
                join tasker.definition_edge e on e.to_id = w.definition_id where c.definition_id = d.definition_id)))), '[]')
    from wanted d
    join template t using (template_id)
    left join result r on r.template_id = d.template_id and r.no = d.step_no
$$;

comment on function tasker.get_definitions(integer[]) is
    'For workers. Step definitions by id: handler, config, limits, schemas and parents. They never change.';
