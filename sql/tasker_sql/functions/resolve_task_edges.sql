-- As resolve_successors, along the edges of dynamic steps: tells those that wait for steps which are resolved now, and enqueues
-- those that wait for nothing more. Returns their tasks, one entry each, and their queues. Internal.
-- Locks: steps; the caller holds the tasks' locks. Index: task_edge's and step's primary keys.

create or replace function tasker.resolve_task_edges(p_tasks uuid[], p_steps integer[], out ready uuid[], out queues integer[])
returns record
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_steps integer[];
begin
    with resolved as (
        select e.task_id, e.to_no, count(*)::integer as parents
        from unnest(p_tasks, p_steps) as r(task_id, step_no)
        join tasker.task_edge e on e.task_id = r.task_id and e.from_no = r.step_no
        group by e.task_id, e.to_no
    ), told as (
        update tasker.step s set waiting_on = s.waiting_on - r.parents
        from resolved r where s.task_id = r.task_id and s.step_no = r.to_no and s.state = 'pending'
        returning s.task_id, s.step_no, s.waiting_on
    )
    select array_agg(t.task_id), array_agg(t.step_no) into ready, v_steps from told t where t.waiting_on = 0;
    if ready is not null then
        queues := tasker.start_steps(ready, v_steps);
    end if;
end;
$$;

comment on function tasker.resolve_task_edges(uuid[], integer[]) is
    'Internal. Tells dynamic steps that what they wait for is resolved.';
