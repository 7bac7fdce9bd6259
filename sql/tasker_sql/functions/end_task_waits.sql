-- Lets those of the given steps go on that wait for a task which has ended, is gone, or is blocked where that counts. Internal.
-- Locks: steps; the caller holds the steps' tasks' locks. What has ended does not change any more, so it needs none. Index: the
-- primary keys.

create or replace function tasker.end_task_waits(p_tasks uuid[], p_steps integer[]) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_tasks uuid[];
    v_steps integer[];
    v_values jsonb[];
begin
    select array_agg(w.task_id), array_agg(w.step_no), array_agg(tasker.describe_end(w.awaits))
    into v_tasks, v_steps, v_values
    from unnest(p_tasks, p_steps) as e(task_id, step_no)
    join tasker.wait w using (task_id, step_no)
    left join tasker.task t on t.task_id = w.awaits
    where w.awaits is not null and (t.task_id is null or t.state in ('complete', 'error', 'cancelled', 'resolved_manually')
        or w.until_blocked and t.state = 'blocked_by_failures');
    if v_tasks is not null then
        perform tasker.end_waits(v_tasks, v_steps, v_values);
    end if;
end;
$$;

comment on function tasker.end_task_waits(uuid[], integer[]) is
    'Internal. Lets steps go on that wait for a task which has ended.';
