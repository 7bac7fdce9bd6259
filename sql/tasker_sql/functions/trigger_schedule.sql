-- Fires a schedule now, beside its times. Locks: the schedule, then as decide_fire.

create or replace function tasker.trigger_schedule(
    namespace text, name text, reason text, actor text, overlap text default null
) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_schedule tasker.schedule := tasker.lock_schedule(trigger_schedule.namespace, trigger_schedule.name);
    v_what text := tasker.find_overlap_fault(trigger_schedule.overlap);
begin
    if v_what is not null then
        raise exception using errcode = 'TK002', message = v_what, hint = 'Nothing was triggered.';
    end if;
    perform tasker.record_schedule_action(v_schedule, 'trigger', trigger_schedule.reason, trigger_schedule.actor);
    perform tasker.settle_fires(v_schedule.schedule_id);
    return tasker.describe_fire(tasker.decide_fire(v_schedule, now(), 'trigger',
        coalesce(trigger_schedule.overlap, v_schedule.definition ->> 'overlap')));
end;
$$;

comment on function tasker.trigger_schedule(text, text, text, text, text) is
    'Fires a schedule now, beside its times, also while it is paused. overlap is the schedule''s own unless given. Returns '
    'the fire as list_fires does: its state says whether it started, waits, or was skipped.';
