-- Lets a paused schedule go on, from now. Locks: the schedule.

create or replace function tasker.resume_schedule(namespace text, name text, reason text, actor text) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_schedule tasker.schedule := tasker.lock_schedule(resume_schedule.namespace, resume_schedule.name);
begin
    if not v_schedule.paused then
        raise exception using errcode = 'TK004',
            message = format('schedule %s/%s is not paused', resume_schedule.namespace, v_schedule.name),
            hint = 'There is nothing to resume.';
    end if;
    perform tasker.record_schedule_action(v_schedule, 'resume', resume_schedule.reason, resume_schedule.actor);
    update tasker.schedule s
    set paused = false, note = null, revision = s.revision + 1, decided_until = greatest(s.decided_until, now()),
        wake_at = case when s.fault is null then now() end, updated_at = now()
    where s.schedule_id = v_schedule.schedule_id;
    return tasker.get_schedule(resume_schedule.namespace, resume_schedule.name);
end;
$$;

comment on function tasker.resume_schedule(text, text, text, text) is
    'Lets a paused schedule go on. Its times during the pause are left out: backfill them if they are wanted. Returns the '
    'schedule as get_schedule does. TK004 when it is not paused.';
