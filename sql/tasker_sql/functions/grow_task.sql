-- The one door through which steps are added to a task that runs: writes those that a completed decision or batch has
-- determined, or that a completed step has asked for, counts what they wait for, and enqueues those that wait for nothing.
-- All of it or nothing: it is part of the transaction that completes the step, and the caller has checked what the step
-- said (refuse_growth). Returns the task once for each step that was enqueued, and their queues. Internal.
-- Locks: the caller holds the task's. Index: step's primary key.

create or replace function tasker.grow_task(p_task_id uuid, p_origin_no integer, out ready uuid[], out queues integer[])
returns record
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_origin tasker.step;
    v_steps integer[];
begin
    select s.* into v_origin from tasker.step s where s.task_id = p_task_id and s.step_no = p_origin_no;
    if v_origin.expansion is null then
        select a.steps, a.queues into v_steps, queues from tasker.add_determined_steps(v_origin) as a;
    else
        v_steps := tasker.add_asked_steps(v_origin);
    end if;
    if v_steps is not null then
        queues := queues || tasker.start_steps(array_fill(p_task_id, array[cardinality(v_steps)]), v_steps);
    end if;
    ready := array_fill(p_task_id, array[coalesce(cardinality(queues), 0)]);
end;
$$;

comment on function tasker.grow_task(uuid, integer) is
    'Internal. The one door for growth: writes the steps that a completed step has determined or asked for.';
