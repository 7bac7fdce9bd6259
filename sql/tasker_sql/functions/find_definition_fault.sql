-- The first fault in a definition's steps, as a sentence, or null: names, kinds, limits, dependencies, what may stand behind
-- a batch, compensations, cycles.
-- Internal. Reads nothing but its argument.

create or replace function tasker.find_definition_fault(p_steps jsonb) returns text
language plpgsql immutable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_step jsonb;
    v_fault text;
    v_names text[] := '{}';
    v_from text[];
    v_to text[];
    v_circle text[];
begin
    for v_step in select s.value from jsonb_array_elements(p_steps) as s loop
        v_fault := tasker.find_step_fault(v_step);
        if v_fault is not null then
            return format('step %s: %s', coalesce(v_step ->> 'name', '(no name)'), v_fault);
        end if;
    end loop;
    select array_agg(s.value ->> 'name') into v_names from jsonb_array_elements(p_steps) as s;
    select format('two steps are named %s', n.name) into v_fault
    from (select unnest(v_names) union all select 'undo:' || (s.value ->> 'name') from jsonb_array_elements(p_steps) as s
        where s.value ->> 'compensate' is not null) as n(name) group by n.name having count(*) > 1 limit 1;
    if v_fault is not null then
        return v_fault;
    end if;
    select array_agg(d.value), array_agg(s.value ->> 'name') into v_from, v_to
    from jsonb_array_elements(p_steps) as s, jsonb_array_elements_text(coalesce(s.value -> 'depends_on', '[]')) as d;
    select format('step %s depends on %s, which is not a step', e.child, e.parent) into v_fault
    from unnest(v_from, v_to) as e(parent, child)
    where e.parent not in (select n.name from unnest(v_names) as n(name)) limit 1;
    if v_fault is not null then
        return v_fault;
    end if;
    v_fault := tasker.find_growth_rule_fault(p_steps);
    if v_fault is not null then
        return v_fault;
    end if;
    select format('step %s: compensate.takes names %s, which is not a step', s.value ->> 'name', k.value) into v_fault
    from jsonb_array_elements(p_steps) as s
    cross join jsonb_array_elements_text(coalesce(nullif(s.value #> '{compensate,takes}', 'null'), '[]')) as k
    where k.value not in (select n.name from unnest(v_names) as n(name)) limit 1;
    if v_fault is not null then
        return v_fault;
    end if;
    select v_from || array_agg(g.parent), v_to || array_agg(g.child) into v_from, v_to from tasker.list_guards(p_steps) as g;
    select array_agg(r.name order by r.no) into v_circle
    from unnest(v_names, tasker.rank_steps(v_names, v_from, v_to)) with ordinality as r(name, rank, no) where r.rank is null;
    if v_circle is not null then
        return format('steps depend on each other in a circle, or on one that does: %s', array_to_string(v_circle[:10], ', '))
            || case when exists (select from tasker.list_guards(p_steps))
                then ' (what gathers dynamic steps waits for all that may bring them)' else '' end;
    end if;
    return null;
end;
$$;

comment on function tasker.find_definition_fault(jsonb) is
    'Internal. The first fault in a definition''s steps, or null.';
