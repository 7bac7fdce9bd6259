-- Gives a schedule another definition. What it decided stays; from now on it goes by the new one. Internal.
-- Locks: the caller holds the schedule's.

create or replace function tasker.change_schedule(p_schedule tasker.schedule, p_definition jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
begin
    if (p_definition ->> 'at')::timestamptz <= now() and p_definition -> 'at' is distinct from p_schedule.definition -> 'at'
        or (p_definition ->> 'end_at')::timestamptz <= now()
            and p_definition -> 'end_at' is distinct from p_schedule.definition -> 'end_at' then
        raise exception using errcode = 'TK002', message = 'the schedule would never fire: its time is over',
            hint = 'Nothing was changed.';
    end if;
    update tasker.schedule s
    set definition = p_definition, revision = s.revision + 1, updated_at = now(), fault = null, next_fire_at = null,
        decided_until = greatest(s.decided_until, now()), wake_at = case when not s.paused then now() end
    where s.schedule_id = p_schedule.schedule_id;
end;
$$;

comment on function tasker.change_schedule(tasker.schedule, jsonb) is
    'Internal. Gives a schedule another definition.';
