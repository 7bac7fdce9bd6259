-- Which steps of a task's template are to be, and which never will be, by what its decisions and batches have said so
-- far; the rest is open. A step is to be when it stands behind no decision or batch, or when all its edges are determined
-- and none is dead; a convergence, when one is alive. An edge is dead when its decision did not choose it, or its parent is
-- excluded. Derived each time from the decisions' results: nothing that could disagree with them is stored. Internal.
-- Reads only. Index: the primary keys, step_definition's (template_id, step_no), definition_edge_to.

create or replace function tasker.determine_steps(p_task_id uuid, out chosen integer[], out excluded integer[])
returns record
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_template_id integer := (select t.template_id from tasker.task t where t.task_id = p_task_id);
    v_open integer[];
    v_alive integer[];
    v_dead integer[];
begin
    select coalesce(array_agg(d.definition_id) filter (where d.initial), '{}'), array_agg(d.definition_id) filter (where not d.initial and d.kind not in ('compensation', 'dynamic'))
    into chosen, v_open from tasker.step_definition d where d.template_id = v_template_id;
    excluded := '{}';
    while v_open is not null loop
        with edge as (
            select c.definition_id, c.kind, case
                when p.definition_id = any (excluded) then 'dead'
                when p.definition_id <> all (chosen) then null
                when p.kind = 'decision' then case when k.done then case when s.result ? c.name then 'alive' else 'dead' end end
                when c.kind = 'batch_worker' then case when k.done then 'alive' end
                else 'alive' end as fate
            from unnest(v_open) as o(definition_id)
            join tasker.step_definition c using (definition_id)
            join tasker.definition_edge e on e.to_id = c.definition_id
            join tasker.step_definition p on p.definition_id = e.from_id and p.kind <> 'dynamic'
            left join tasker.step s on s.task_id = p_task_id and s.step_no = p.step_no
            cross join lateral (select s.state in ('complete', 'resolved_manually', 'tolerated') as done) as k
        ), verdict as (
            select e.definition_id, case when e.kind = 'deferred_convergence'
                then bool_or(e.fate = 'alive') else bool_and(e.fate = 'alive') end as alive
            from edge e group by e.definition_id, e.kind having bool_and(e.fate is not null)
        )
        select array_agg(v.definition_id) filter (where v.alive), array_agg(v.definition_id) filter (where not v.alive)
        into v_alive, v_dead from verdict v;
        exit when v_alive is null and v_dead is null;
        chosen := chosen || v_alive;
        excluded := excluded || v_dead;
        select array_agg(o.definition_id) into v_open from unnest(v_open) as o(definition_id)
        where o.definition_id <> all (chosen) and o.definition_id <> all (excluded);
    end loop;
end;
$$;

comment on function tasker.determine_steps(uuid) is
    'Internal. Which steps of its template a task is to have, and which it never will, by what its decisions said so far.';
