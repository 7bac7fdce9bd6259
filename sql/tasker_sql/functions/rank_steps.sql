-- Of each step, the number of edges on the longest way to it; null for those that depend on each other in a circle, or on a
-- step that does. Internal. Reads nothing but its arguments: the steps' names, and the edges as parents and children.
-- A step without unsettled parents is settled, and tells its children; they are settled rank by rank. Each edge is looked at
-- once, so that a long chain costs no more than a wide fan. Its joins are of arrays, which no index serves, so that a caller's
-- pinned plans are not for it.

create or replace function tasker.rank_steps(p_names text[], p_from text[], p_to text[]) returns integer[]
language plpgsql immutable
set search_path = pg_catalog, tasker, pg_temp
set enable_hashjoin = on
as $$
declare
    v_waiting integer[];   -- of each step: how many parents are not settled
    v_children integer[];  -- the children of the first step, then those of the second, ...
    v_last integer[];      -- of each step: where its children end in v_children
    v_settled integer[];
    v_ranks integer[] := array_fill(null::integer, array[cardinality(p_names)]);
    v_count integer;
    v_done integer := 0;
    v_step integer;
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
        v_step := v_settled[v_done];
        v_ranks[v_step] := coalesce(v_ranks[v_step], 0);
        for i in coalesce(v_last[v_step - 1], 0) + 1 .. v_last[v_step] loop
            v_child := v_children[i];
            v_waiting[v_child] := v_waiting[v_child] - 1;
            if v_waiting[v_child] = 0 then
                v_count := v_count + 1;
                v_settled[v_count] := v_child;
                v_ranks[v_child] := v_ranks[v_step] + 1;
            end if;
        end loop;
    end loop;
    return v_ranks;
end;
$$;

comment on function tasker.rank_steps(text[], text[], text[]) is
    'Internal. The length of the longest way to each step; null for those in a circle, or behind one.';
