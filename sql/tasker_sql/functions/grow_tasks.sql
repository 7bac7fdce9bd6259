-- Lets tasks grow by steps that have completed, one after the other, and then enqueues all that is new and waits for nothing
-- at once. Returns the tasks of the steps that were enqueued, one entry per step, and their queues. Internal.
-- Locks: the caller holds the tasks'.

create or replace function tasker.grow_tasks(p_tasks uuid[], p_steps integer[], out ready uuid[], out queues integer[])
returns record
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_origin record;
    v_more record;
    v_tasks uuid[];
    v_steps integer[];
begin
    for v_origin in
        select o.task_id, o.step_no from unnest(p_tasks, p_steps) as o(task_id, step_no) order by o.task_id, o.step_no
    loop
        v_more := tasker.grow_task(v_origin.task_id, v_origin.step_no);
        ready := ready || array_fill(v_origin.task_id, array[coalesce(cardinality(v_more.queues), 0)]);
        queues := queues || v_more.queues;
        v_tasks := v_tasks || array_fill(v_origin.task_id, array[coalesce(cardinality(v_more.steps), 0)]);
        v_steps := v_steps || v_more.steps;
    end loop;
    if v_steps is not null then
        ready := ready || v_tasks;
        queues := queues || tasker.start_steps(v_tasks, v_steps);
    end if;
end;
$$;

comment on function tasker.grow_tasks(uuid[], integer[]) is
    'Internal. Lets tasks grow by steps that have completed.';
