-- Stops a schedule until it is resumed. Locks: the schedule.

create or replace function tasker.pause_schedule(namespace text, name text, reason text, actor text) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_schedule tasker.schedule := tasker.lock_schedule(pause_schedule.namespace, pause_schedule.name);
begin
    if v_schedule.paused then
        raise exception using errcode = 'TK004',
            message = format('schedule %s/%s is paused already: %s', pause_schedule.namespace, v_schedule.name, v_schedule.note),
            hint = 'Resume it first to pause it for another reason.';
    end if;
    perform tasker.record_schedule_action(v_schedule, 'pause', pause_schedule.reason, pause_schedule.actor);
    update tasker.schedule s
    set paused = true, note = pause_schedule.reason, revision = s.revision + 1, next_fire_at = null, wake_at = null,
        updated_at = now()
    where s.schedule_id = v_schedule.schedule_id;
    return tasker.get_schedule(pause_schedule.namespace, pause_schedule.name);
end;
$$;

comment on function tasker.pause_schedule(text, text, text, text) is
    'Pauses a schedule: it starts nothing by itself until it is resumed. What it started goes on; what it buffered waits. '
    'The reason is its note. Returns the schedule as get_schedule does. TK004 when it is paused already.';
