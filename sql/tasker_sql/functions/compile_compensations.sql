-- Writes which steps of a checked definition are undone by which compensations, and in which order. A handler that says
-- nothing else takes the results of what its step depends on. A step's own result, and a batch worker's item, it is always
-- given. `p_ids`: the definitions' ids by name. Internal: part of compile_template, which pins its plans.
-- Index: step_definition's key.

create or replace function tasker.compile_compensations(p_ids jsonb, p_steps jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_steps jsonb[];
    v_names text[];
    v_from text[];
    v_to text[];
begin
    if not p_steps @? '$[*].compensate ? (@ != null)' then
        return;
    end if;
    select array_agg(s.value order by s.n), array_agg(s.value ->> 'name' order by s.n) into v_steps, v_names
    from jsonb_array_elements(p_steps) with ordinality as s(value, n);
    select array_agg(k.value), array_agg(s.name) into v_from, v_to
    from unnest(v_steps, v_names) as s(step, name)
    cross join jsonb_array_elements_text(coalesce(s.step -> 'depends_on', '[]')) as k;
    select v_from || array_agg(g.parent), v_to || array_agg(g.child) into v_from, v_to from tasker.list_guards(p_steps) as g;

    insert into tasker.compensation (definition_id, undoes_id, rank, started, takes)
    select (p_ids ->> ('undo:' || s.name))::integer, d.definition_id, s.rank,
        coalesce(s.step #>> '{compensate,when}' = 'started', false),
        array(select t.definition_id
            from jsonb_array_elements_text(coalesce(nullif(s.step #> '{compensate,takes}', 'null'), s.step -> 'depends_on', '[]')) as k
            join tasker.step_definition t on t.definition_id = (p_ids ->> k.value)::integer
            where t.definition_id <> d.definition_id and not (d.kind = 'batch_worker' and t.kind = 'batchable'
                and s.step -> 'depends_on' ? t.name))
    from unnest(v_steps, v_names, tasker.rank_steps(v_names, v_from, v_to)) as s(step, name, rank)
    join tasker.step_definition d on d.definition_id = (p_ids ->> s.name)::integer
    where s.step ->> 'compensate' is not null;
end;
$$;

comment on function tasker.compile_compensations(jsonb, jsonb) is
    'Internal. Writes which steps are undone by which compensations, and in which order.';
