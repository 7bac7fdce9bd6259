-- The results of a task's last steps: those of whose children none is in the task, and which brought none. What the workers
-- of a batch came to, or dynamic steps of one name, is one array. A decision that chose
-- nothing counts only where nothing else does. Internal. Reads only. Index: the primary keys.

create or replace function tasker.list_last_results(p_task_id uuid) returns table (name text, result jsonb)
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    with last as (
        select d.name, d.kind = 'decision' as decides, case when d.kind in ('batch_worker', 'dynamic')
            then jsonb_agg(s.result order by s.instance) else (array_agg(s.result))[1] end as result
        from tasker.step s join tasker.step_definition d using (definition_id)
        where s.task_id = p_task_id and d.kind <> 'compensation'
            and jsonb_array_length(coalesce(s.expansion, '[]')) = 0 and not exists (
                select from tasker.task_edge e where e.task_id = p_task_id and e.from_no = s.step_no)
            and (d.children = 0 or exists (
                select from tasker.task t join tasker.step_definition l using (template_id) where t.task_id = p_task_id and not l.initial and l.kind not in ('compensation', 'dynamic'))
            and not exists (select from tasker.definition_edge e join tasker.step_definition c on c.definition_id = e.to_id
            where e.from_id = d.definition_id and (c.initial
                or exists (select from tasker.step k where k.task_id = p_task_id and k.step_no = c.step_no)
                or exists (select from tasker.batch b where b.task_id = p_task_id and b.definition_id = c.definition_id
                    and (b.size > 0 or c.children > 0)))))
        group by d.definition_id
    )
    select l.name, l.result from last l where not l.decides or not exists (select from last o where not o.decides)
$$;

comment on function tasker.list_last_results(uuid) is
    'Internal. The results of a task''s last steps.';
