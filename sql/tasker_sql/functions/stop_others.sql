-- Cancels tasks of a schedule because a later one takes their place; a task that is being undone is left to that. Returns
-- when the last lease that a worker held on them ends: until then a handler of theirs may still run. Internal.
-- Locks: the tasks, by id, then as finish_tasks. The caller holds the schedule's.

create or replace function tasker.stop_others(p_schedule tasker.schedule, p_tasks uuid[], p_fire_at timestamptz)
returns timestamptz
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_reason text := format('the fire of %s takes its place', tasker.utc_text(p_fire_at));
    v_tasks uuid[];
    v_lease_end timestamptz;
begin
    select array_agg(t.task_id) into v_tasks from (
        select t.task_id from tasker.task t
        where t.task_id = any (p_tasks) and t.ends_as is null
            and t.state not in ('complete', 'error', 'cancelled', 'resolved_manually')
        order by t.task_id for no key update) as t;
    if v_tasks is null then
        return null;
    end if;
    select max(tasker.find_lease_end(t.task_id)) into v_lease_end from unnest(v_tasks) as t(task_id);
    perform tasker.finish_tasks(v_tasks, 'cancelled', v_reason);
    insert into tasker.action (task_id, verb, reason, actor)
    select t.task_id, 'cancel', v_reason, 'schedule ' || p_schedule.name from unnest(v_tasks) as t(task_id);
    return v_lease_end;
end;
$$;

comment on function tasker.stop_others(tasker.schedule, uuid[], timestamptz) is
    'Internal. Cancels tasks of a schedule whose place a later one takes; returns when their last lease ends.';
