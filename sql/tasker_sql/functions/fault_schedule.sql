-- Writes down why a schedule's times cannot be found; it rests until it is updated. Locks: the schedule.

create or replace function tasker.fault_schedule(schedule_id integer, revision bigint, fault text) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
#variable_conflict use_column
begin
    update tasker.schedule s set fault = fault_schedule.fault, wake_at = null, next_fire_at = null, revision = s.revision + 1
    where s.schedule_id = fault_schedule.schedule_id and s.revision = fault_schedule.revision;
    return found;
end;
$$;

comment on function tasker.fault_schedule(integer, bigint, text) is
    'Maintenance. Writes down why the times of a schedule cannot be found. Returns false, and does nothing, when the '
    'schedule is not at that revision any more.';
