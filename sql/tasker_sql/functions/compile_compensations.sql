-- Writes which steps of a checked definition are undone by which compensations, and in which order. A handler that says
-- nothing else takes the results of what its step depends on. A step's own result, and a batch worker's item, it is always
-- given. Internal: part of compile_template.

create or replace function tasker.compile_compensations(p_template_id integer, p_steps jsonb) returns void
language sql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
    with step as materialized (
        select s.value as step, d.definition_id, d.name, d.kind
        from jsonb_array_elements(p_steps) as s
        join tasker.step_definition d on d.template_id = p_template_id and d.name = s.value ->> 'name'
    ), edge as (
        select array_agg(k.value) as from_names, array_agg(s.name) as to_names
        from step s cross join jsonb_array_elements_text(coalesce(s.step -> 'depends_on', '[]')) as k
    ), rank as (
        select r.name, r.rank from (select array_agg(s.name) as names from step s) as n, edge e,
            unnest(n.names, tasker.rank_steps(n.names, e.from_names, e.to_names)) as r(name, rank)
    )
    insert into tasker.compensation (definition_id, undoes_id, rank, started, takes)
    select c.definition_id, s.definition_id, r.rank, coalesce(s.step #>> '{compensate,when}' = 'started', false),
        array(select t.definition_id
            from jsonb_array_elements_text(coalesce(nullif(s.step #> '{compensate,takes}', 'null'), s.step -> 'depends_on', '[]')) as k
            join step t on t.name = k.value
            where t.definition_id <> s.definition_id and not (s.kind = 'batch_worker' and t.kind = 'batchable'
                and s.step -> 'depends_on' ? t.name))
    from step s
    join rank r using (name)
    join tasker.step_definition c on c.template_id = p_template_id and c.name = 'undo:' || s.name
    where s.step ->> 'compensate' is not null
$$;

comment on function tasker.compile_compensations(integer, jsonb) is
    'Internal. Writes which steps are undone by which compensations, and in which order.';
