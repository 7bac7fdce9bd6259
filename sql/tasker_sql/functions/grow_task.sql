-- The one door through which steps are added to a task that runs: writes those that a completed decision or batch has
-- determined, or that a completed step has asked for, and counts what they wait for. All of it or nothing: it is part of the
-- transaction that completes the step, and the caller has checked what the step said (refuse_growth). Returns the numbers of
-- those that wait for nothing and are to be started, and the queues of batch workers, which are enqueued already. Internal.
-- Locks: the caller holds the task's. Index: step's primary key.

create or replace function tasker.grow_task(p_task_id uuid, p_origin_no integer, out steps integer[], out queues integer[])
returns record
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_origin tasker.step;
begin
    select s.* into v_origin from tasker.step s where s.task_id = p_task_id and s.step_no = p_origin_no;
    if v_origin.expansion is null then
        select a.steps, a.queues into steps, queues from tasker.add_determined_steps(v_origin) as a;
    else
        steps := tasker.add_asked_steps(v_origin);
    end if;
end;
$$;

comment on function tasker.grow_task(uuid, integer) is
    'Internal. The one door for growth: writes the steps that a completed step has determined or asked for.';
