-- Sets the timers for steps whose definition limits their whole time, when they are first enqueued, or an operator
-- gives them another run. Internal.
-- Locks: none; the caller holds the tasks' locks, or has just made the tasks.

create or replace function tasker.start_step_clocks(p_tasks uuid[], p_steps integer[]) returns void
language sql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
    insert into tasker.timer (fire_at, task_id, step_no, kind)
    select now() + d.step_time_limit, s.task_id, s.step_no, 'step_time_limit'
    from unnest(p_tasks, p_steps) as r(task_id, step_no)
    join tasker.step s using (task_id, step_no)
    join tasker.step_definition d using (definition_id)
    where d.step_time_limit is not null
    on conflict (task_id, step_no, kind) do update set fire_at = excluded.fire_at
$$;

comment on function tasker.start_step_clocks(uuid[], integer[]) is
    'Internal. Sets the timers of steps whose whole time is limited.';
