-- Writes which limits a template's steps come under: those of the template, then their own. One without a name is called after
-- the template, or the step. From then on the steps of their queues stand in line. Internal: part of registering a template.
-- Locks: the limits' rows, then the queues', both by id.

create or replace function tasker.compile_limits(p_template_id integer, p_namespace text, p_definition jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
begin
    with given as materialized (
        select null as step, l.value as spec, coalesce(l.value ->> 'name', p_definition ->> 'name') as name, 0 as s, l.n
        from jsonb_array_elements(coalesce(nullif(p_definition -> 'limits', 'null'), '[]')) with ordinality as l(value, n)
        union all
        select k.value ->> 'name', l.value,
            coalesce(l.value ->> 'name', (p_definition ->> 'name') || '.' || (k.value ->> 'name')), k.s, l.n
        from jsonb_array_elements(p_definition -> 'steps') with ordinality as k(value, s)
        cross join jsonb_array_elements(coalesce(nullif(k.value -> 'limits', 'null'), '[]')) with ordinality as l(value, n)
    ), made as materialized (
        select g.name, tasker.ensure_limit(p_namespace || '/' || g.name, g.spec) as limit_id
        from (select distinct on (o.name) o.name, o.spec from given o order by o.name, o.s desc) as g
    ), placed as (
        select d.definition_id, array_agg(m.limit_id order by g.s, g.n) as limit_ids,
            array_agg(g.spec ->> 'key' order by g.s, g.n) as limit_keys
        from given g join made m using (name)
        join tasker.step_definition d on d.template_id = p_template_id and (g.step is null or d.name = g.step)
        group by d.definition_id
    )
    update tasker.step_definition d set limit_ids = p.limit_ids, limit_keys = p.limit_keys
    from placed p where d.definition_id = p.definition_id;

    update tasker.queue q set limited = true
    where not q.limited and q.queue_id in (
        select k.queue_id from tasker.queue k
        where k.queue_id in (select d.queue_id from tasker.step_definition d
            where d.template_id = p_template_id and d.limit_ids <> '{}')
        order by k.queue_id for no key update);
end;
$$;

comment on function tasker.compile_limits(integer, text, jsonb) is
    'Internal. Writes which limits a template''s steps come under.';
