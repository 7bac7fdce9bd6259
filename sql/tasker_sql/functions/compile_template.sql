-- Writes a checked definition's steps, edges and compensations as rows. Steps are numbered in the order of the definition,
-- and after them the compensations in the order of their steps. Internal. Plans are pinned to walks along indexes, because
-- what they read was written just now and no statistics know it; steps are found by name in a map, because without
-- statistics the wrong unique index looks as good. Index: step_definition's key, definition_edge's both.

create or replace function tasker.compile_template(p_template_id integer, p_queue_id integer, p_steps jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set enable_material = off
set jit = off
as $$
declare
    v_ids jsonb;
    v_later integer[];
    v_dynamic boolean;
begin
    insert into tasker.step_definition (template_id, step_no, name, handler, kind, queue_id, parents, children, initial, growing,
        expands, config, input_schema, result_schema,
        max_attempts, backoff, backoff_base, backoff_cap, jitter, permanent_errors, attempt_time_limit, step_time_limit,
        parallelism, on_failure)
    select p_template_id, s.step_no, s.step ->> 'name', s.step ->> 'handler', coalesce(s.step ->> 'kind', 'standard'),
        case when s.step ->> 'queue' is null then p_queue_id else tasker.ensure_queue(s.step ->> 'queue') end,
        0, 0, s.step ->> 'kind' is distinct from 'compensation', false,
        array(select jsonb_array_elements_text(coalesce(nullif(s.step -> 'expands', 'null'), '[]'))), coalesce(s.step -> 'config', '{}'),
        case when s.step ->> 'kind' is distinct from 'compensation' then nullif(s.step -> 'input_schema', 'null') end,
        nullif(s.step -> 'result_schema', 'null'),
        coalesce((s.step #>> '{retry,max_attempts}')::smallint, 3),
        coalesce(s.step #>> '{retry,backoff}', 'exponential'),
        coalesce(tasker.seconds(s.step #> '{retry,base}'), interval '1 second'),
        coalesce(tasker.seconds(s.step #> '{retry,cap}'), interval '60 seconds'),
        coalesce((s.step #>> '{retry,jitter}')::double precision, 0.1),
        coalesce(array(select jsonb_array_elements_text(s.step #> '{retry,permanent_errors}')), '{}'),
        tasker.seconds(s.step -> 'attempt_time_limit'), tasker.seconds(s.step -> 'step_time_limit'),
        case s.step ->> 'kind' when 'batch_worker' then (s.step #>> '{batch,parallelism}')::integer end,
        coalesce(case s.step ->> 'kind' when 'batch_worker' then s.step #>> '{batch,on_failure}' end, 'wait')
    from (
        select g.step, g.n from jsonb_array_elements(p_steps) with ordinality as g(step, n)
        union all
        select (g.step -> 'compensate') || jsonb_build_object('name', 'undo:' || (g.step ->> 'name'), 'kind', 'compensation',
                'queue', coalesce(g.step #>> '{compensate,queue}', g.step ->> 'queue')),
            jsonb_array_length(p_steps) + row_number() over (order by g.n)
        from jsonb_array_elements(p_steps) with ordinality as g(step, n) where g.step ->> 'compensate' is not null
    ) as s(step, step_no);

    select jsonb_object_agg(d.name, d.definition_id) into v_ids
    from tasker.step_definition d where d.template_id = p_template_id;

    insert into tasker.definition_edge (from_id, to_id, from_no, to_no, many, guard)
    select p.definition_id, c.definition_id, p.step_no, c.step_no, p.kind in ('batch_worker', 'dynamic'), bool_and(e.guard)
    from (select d.parent, s.step ->> 'name' as child, false as guard
        from jsonb_array_elements(p_steps) as s(step)
        cross join jsonb_array_elements_text(coalesce(s.step -> 'depends_on', '[]')) as d(parent)
        union all select g.parent, g.child, true from tasker.list_guards(p_steps) as g) as e
    join tasker.step_definition c on c.definition_id = (v_ids ->> e.child)::integer
    join tasker.step_definition p on p.definition_id = (v_ids ->> e.parent)::integer
    group by p.definition_id, c.definition_id;

    with recursive later as (
        select d.definition_id from tasker.step_definition d
        where d.template_id = p_template_id and (d.kind = 'batch_worker' or exists (
            select from tasker.definition_edge e where e.to_id = d.definition_id
                and (select p.kind from tasker.step_definition p where p.definition_id = e.from_id) = 'decision'))
        union
        select e.to_id from later l join tasker.definition_edge e on e.from_id = l.definition_id
    )
    select array_agg(l.definition_id) into v_later from later l;

    v_dynamic := exists (
        select from tasker.step_definition d where d.template_id = p_template_id and d.kind = 'dynamic');
    update tasker.step_definition d
    set initial = d.kind not in ('compensation', 'dynamic') and d.definition_id <> all (coalesce(v_later, '{}')),
        growing = v_dynamic or d.kind in ('decision', 'batchable') or d.parallelism is not null,
        parents = (select count(*) from tasker.definition_edge e where e.to_id = d.definition_id
            and not (v_dynamic and (select p.kind from tasker.step_definition p where p.definition_id = e.from_id) = 'dynamic')),
        children = (select count(*) from tasker.definition_edge e where e.from_id = d.definition_id)
    where d.template_id = p_template_id;
    perform tasker.compile_compensations(v_ids, p_steps);
end;
$$;

comment on function tasker.compile_template(integer, integer, jsonb) is
    'Internal. Writes a checked definition''s steps, edges and compensations as rows.';
