-- The first rule that a definition breaks about decisions, batches and dynamic steps, as a sentence, or null. Internal. Reads nothing but
-- its argument, whose names and dependencies are sound.

create or replace function tasker.find_growth_rule_fault(p_steps jsonb) returns text
language sql immutable parallel safe
set search_path = pg_catalog, tasker, pg_temp
as $$
    with recursive step as (
        select s.value ->> 'name' as name, coalesce(s.value ->> 'kind', 'standard') as kind, s.ordinality as no,
            s.value ->> 'compensate' is not null as undone
        from jsonb_array_elements(p_steps) with ordinality as s
    ), edge as (
        select distinct p.name as parent, p.kind as parent_kind, c.name as child, c.kind as child_kind
        from jsonb_array_elements(p_steps) as s
        cross join jsonb_array_elements_text(coalesce(s.value -> 'depends_on', '[]')) as d(parent)
        join step p on p.name = d.parent
        join step c on c.name = s.value ->> 'name'
    ), expands as (
        select s.value ->> 'name' as parent, x.name from jsonb_array_elements(p_steps) as s
        cross join jsonb_array_elements_text(coalesce(nullif(s.value -> 'expands', 'null'), '[]')) as x(name)
    ), brought as (
        select x.name from expands x join step s on s.name = x.parent where s.kind <> 'dynamic'
        union
        select x.name from brought b join expands x on x.parent = b.name
    )
    select f.what from (
        select s.no, format('step %s is a decision, but no step depends on it', s.name) as what
        from step s where s.kind = 'decision' and not exists (select from edge e where e.parent = s.name)
        union all
        select s.no, format('step %s is batchable, so exactly one batch_worker must depend on it', s.name)
        from step s where s.kind = 'batchable'
            and (select count(*) from edge e where e.parent = s.name and e.child_kind = 'batch_worker') <> 1
        union all
        select s.no, format('step %s is a batch_worker, so it must depend on one batchable step and nothing else', s.name)
        from step s where s.kind = 'batch_worker'
            and (select array_agg(e.parent_kind) from edge e where e.child = s.name) is distinct from array['batchable']
        union all
        select s.no, format('step %s is a batch_worker; %s, which depends on it, must be a deferred_convergence', s.name, e.child)
        from step s join edge e on e.parent = s.name
        where s.kind = 'batch_worker' and e.child_kind <> 'deferred_convergence'
        union all
        select s.no, format('step %s is dynamic, so it depends on nothing: what it waits for is said by the step that asks for it', s.name)
        from step s where s.kind = 'dynamic' and exists (select from edge e where e.child = s.name)
        union all
        select s.no, format('step %s is dynamic; %s, which depends on it, must be a deferred_convergence', s.name, e.child)
        from step s join edge e on e.parent = s.name
        where s.kind = 'dynamic' and e.child_kind <> 'deferred_convergence'
        union all
        select s.no, format('step %s is dynamic, but no step expands to it%s', s.name,
            case when exists (select from expands x where x.name = s.name) then ', but dynamic ones that nothing brings' else '' end)
        from step s where s.kind = 'dynamic' and not exists (select from brought b where b.name = s.name)
        union all
        select s.no, format('step %s is dynamic, so it cannot be undone', s.name)
        from step s where s.kind = 'dynamic' and s.undone
        union all
        select s.no, format('step %s is a %s, which cannot expand', s.name, s.kind)
        from step s where s.kind not in ('standard', 'dynamic', 'deferred_convergence')
            and exists (select from expands x where x.parent = s.name)
        union all
        select s.no, format('step %s expands to %s, which is no dynamic step', s.name, x.name)
        from step s join expands x on x.parent = s.name
        where not exists (select from step d where d.name = x.name and d.kind = 'dynamic')
    ) as f order by f.no limit 1
$$;

comment on function tasker.find_growth_rule_fault(jsonb) is
    'Internal. The first rule that a definition breaks about decisions, batches and dynamic steps, or null.';
