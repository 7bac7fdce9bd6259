-- Of each step that a step has asked for, how many dynamic steps the longest chain has that ends in it: over what brought it,
-- and over what it waits for. Internal. Reads only. Index: step's primary key.

create or replace function tasker.measure_depths(p_origin tasker.step) returns integer[]
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_depths integer[] := array_fill(coalesce(p_origin.depth, 0) + 1, array[jsonb_array_length(p_origin.expansion)]);
    v_edge record;
begin
    for v_edge in
        select r.no, r.item, p.depth from tasker.list_references(p_origin.task_id, p_origin.expansion) as r
        left join tasker.step p on p.task_id = p_origin.task_id and p.step_no = r.step_no
        where r.item is not null or p.depth is not null order by r.no
    loop
        v_depths[v_edge.no] := greatest(v_depths[v_edge.no], coalesce(v_depths[v_edge.item], v_edge.depth) + 1);
    end loop;
    return v_depths;
end;
$$;

comment on function tasker.measure_depths(tasker.step) is
    'Internal. How deep in a chain of dynamic steps each is that a step has asked for.';
