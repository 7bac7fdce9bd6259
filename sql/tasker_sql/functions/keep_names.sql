-- Gives the dynamic steps that kept steps have brought the places among those of their name that they have in the original,
-- so that names mean the same, and results stand in the same order. Internal. Locks: steps; the caller holds the tasks'.

create or replace function tasker.keep_names(p_task_id uuid, p_original_id uuid, p_steps integer[], p_originals integer[])
returns void
language sql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
    with brought as (
        select s.task_id, s.step_no, s.origin_no, s.instance, row_number() over (partition by s.task_id, s.origin_no order by s.step_no) as n
        from tasker.step s
        where (s.task_id = p_task_id and s.origin_no = any (p_steps)
            or s.task_id = p_original_id and s.origin_no = any (p_originals)) and s.depth is not null
    )
    update tasker.step s set instance = o.instance
    from unnest(p_steps, p_originals) as k(step_no, original_no)
    join brought o on o.task_id = p_original_id and o.origin_no = k.original_no
    join brought b on b.task_id = p_task_id and b.origin_no = k.step_no and b.n = o.n
    where s.task_id = p_task_id and s.step_no = b.step_no
$$;

comment on function tasker.keep_names(uuid, uuid, integer[], integer[]) is
    'Internal. Gives dynamic steps the places that they have in the original.';
