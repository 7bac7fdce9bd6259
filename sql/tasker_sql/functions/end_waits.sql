-- Lets waiting steps go on: what their waits came to is saved as a checkpoint, and they are enqueued. Returns how many.
-- Internal. Locks: steps; the caller holds the tasks' locks. Index: the primary keys.

create or replace function tasker.end_waits(p_tasks uuid[], p_steps integer[], p_values jsonb[]) returns integer
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_tasks uuid[];
    v_steps integer[];
begin
    with ended as (
        delete from tasker.wait w
        using unnest(p_tasks, p_steps, p_values) as e(task_id, step_no, value), tasker.step s
        where w.task_id = e.task_id and w.step_no = e.step_no
            and s.task_id = w.task_id and s.step_no = w.step_no and s.state = 'waiting'
        returning w.task_id, w.step_no, w.name, e.value
    ), timers as (
        delete from tasker.timer t using ended e where t.task_id = e.task_id and t.step_no = e.step_no and t.kind = 'wake'
    ), saved as (
        insert into tasker.checkpoint (task_id, step_no, name, value)
        select e.task_id, e.step_no, e.name, e.value from ended e on conflict do nothing
    )
    select array_agg(e.task_id), array_agg(e.step_no) into v_tasks, v_steps from ended e;
    return case when v_tasks is null then 0 else tasker.enqueue_steps(v_tasks, v_steps) end;
end;
$$;

comment on function tasker.end_waits(uuid[], integer[], jsonb[]) is
    'Internal. Lets waiting steps go on.';
