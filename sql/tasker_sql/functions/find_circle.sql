-- The steps that depend on each other in a circle, or on a step that does; null when there are none. Internal. Reads
-- nothing but its arguments: the steps' names, and the edges as parents and children.
-- A step without unsettled parents is settled, and tells its children; what is left over is the answer. Each edge is
-- looked at once, so that a long chain costs no more than a wide fan.

create or replace function tasker.find_circle(p_names text[], p_from text[], p_to text[]) returns text[]
language plpgsql immutable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_waiting integer[];   -- of each step: how many parents are not settled
    v_children integer[];  -- the children of the first step, then those of the second, ...
    v_last integer[];      -- of each step: where its children end in v_children
    v_settled integer[];
    v_count integer;
    v_done integer := 0;
    v_child integer;
begin
    with name as (
        select n.name, n.no::integer as no from unnest(p_names) with ordinality as n(name, no)
    ), edge as materialized (
        select distinct f.no as from_no, t.no as to_no
        from unnest(p_from, p_to) as e(parent, child) join name f on f.name = e.parent join name t on t.name = e.child
    ), counted as (
        select n.no, coalesce(p.n, 0) as parents, sum(coalesce(c.n, 0)) over (order by n.no)::integer as last
        from name n
        left join (select e.to_no as no, count(*)::integer as n from edge e group by e.to_no) as p using (no)
        left join (select e.from_no as no, count(*)::integer as n from edge e group by e.from_no) as c using (no)
    )
    select array_agg(k.parents order by k.no), array_agg(k.last order by k.no),
        (select array_agg(e.to_no order by e.from_no) from edge e),
        coalesce(array_agg(k.no) filter (where k.parents = 0), '{}')
    into v_waiting, v_last, v_children, v_settled from counted k;
    v_count := cardinality(v_settled);
    while v_done < v_count loop
        v_done := v_done + 1;
        for i in coalesce(v_last[v_settled[v_done] - 1], 0) + 1 .. v_last[v_settled[v_done]] loop
            v_child := v_children[i];
            v_waiting[v_child] := v_waiting[v_child] - 1;
            if v_waiting[v_child] = 0 then
                v_count := v_count + 1;
                v_settled[v_count] := v_child;
            end if;
        end loop;
    end loop;
    return (select array_agg(n.name order by n.no)
        from unnest(p_names, v_waiting) with ordinality as n(name, waiting, no) where n.waiting > 0);
end;
$$;

comment on function tasker.find_circle(text[], text[], text[]) is
    'Internal. The steps that depend on each other in a circle, or on a step that does.';
