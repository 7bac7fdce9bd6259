-- Lets the next compensations of a task run, all of one rank at once, not before the given time; or ends the task when
-- none is left. Internal. Locks: steps; the caller holds the task's lock. Index: the primary keys.

create or replace function tasker.continue_compensation(p_task_id uuid, p_not_before timestamptz default null) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_tasks uuid[];
    v_steps integer[];
begin
    with left_over as (
        select s.step_no, rank() over (order by c.rank desc) as place
        from tasker.step s join tasker.compensation c using (definition_id)
        where s.task_id = p_task_id and s.state = 'pending'
    )
    select array_agg(p_task_id), array_agg(l.step_no order by l.step_no) into v_tasks, v_steps from left_over l where l.place = 1;
    if v_steps is null then
        perform tasker.finish_tasks(array[t.task_id], t.ends_as, t.reason) from tasker.task t where t.task_id = p_task_id;
        return;
    end if;
    update tasker.task t set live = cardinality(v_steps),
        state = tasker.task_state_at(cardinality(v_steps), t.failed, t.ends_as, t.state = 'paused')
    where t.task_id = p_task_id;
    if p_not_before > clock_timestamp() then
        update tasker.step s set state = 'waiting_for_retry', waiting_on = 0
        where s.task_id = p_task_id and s.step_no = any (v_steps);
        insert into tasker.timer (fire_at, task_id, step_no, kind)
        select p_not_before, p_task_id, n.step_no, 'retry' from unnest(v_steps) as n(step_no);
        perform tasker.start_step_clocks(v_tasks, v_steps);
    else
        perform tasker.wake_workers(tasker.start_steps(v_tasks, v_steps));
    end if;
end;
$$;

comment on function tasker.continue_compensation(uuid, timestamptz) is
    'Internal. Lets the next compensations of a task run, or ends it when none is left.';
