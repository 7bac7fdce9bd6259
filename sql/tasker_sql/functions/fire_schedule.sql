-- Decides the next fires of a schedule or of a backfill, in one transaction with the tasks that they start. Whoever has found
-- the times says which revision of the schedule he read: when it is another by now, nothing happens.
-- Locks: the schedule, then as decide_fire. Index: the primary keys.

create or replace function tasker.fire_schedule(
    schedule_id integer, revision bigint, fires timestamptz[], next_fire_at timestamptz, backfill_id bigint default null
) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
#variable_conflict use_column
declare
    v_schedule tasker.schedule;
    v_next timestamptz;
begin
    if fire_schedule.fires is null or exists (select from unnest(fire_schedule.fires || fire_schedule.next_fire_at) with ordinality as f(at, n)
            where not isfinite(f.at) or f.at is null and f.n <= cardinality(fire_schedule.fires)) then
        raise exception using errcode = 'TK002', message = 'fires must be an array of times, without null and infinity',
            hint = 'next_fire_at is null when there are no more. Nothing was decided.';
    end if;
    select s.* into v_schedule from tasker.schedule s
    where s.schedule_id = fire_schedule.schedule_id and s.revision = fire_schedule.revision for update;
    if not found or fire_schedule.backfill_id is null and v_schedule.paused then
        return false;
    end if;
    if fire_schedule.backfill_id is not null and not exists (select from tasker.backfill b
            where b.backfill_id = fire_schedule.backfill_id and b.schedule_id = v_schedule.schedule_id) then
        return false;
    end if;
    perform tasker.settle_fires(v_schedule.schedule_id);
    if fire_schedule.backfill_id is not null then
        perform tasker.advance_backfill(v_schedule, fire_schedule.backfill_id, fire_schedule.fires, fire_schedule.next_fire_at);
        update tasker.schedule s set revision = s.revision + 1 where s.schedule_id = v_schedule.schedule_id;
        return true;
    end if;
    v_next := tasker.decide_due(v_schedule, fire_schedule.fires || fire_schedule.next_fire_at);
    update tasker.schedule s
    set revision = s.revision + 1, next_fire_at = v_next, wake_at = v_next + tasker.jitter_of(v_schedule, v_next),
        decided_until = greatest(s.decided_until, (
            select max(f.at) from unnest(fire_schedule.fires) as f(at) where v_next is null or f.at < v_next))
    where s.schedule_id = v_schedule.schedule_id;
    return true;
end;
$$;

comment on function tasker.fire_schedule(integer, bigint, timestamptz[], timestamptz, bigint) is
    'Maintenance. Decides fires of a schedule: fires are its times after the last that was decided, in order, and '
    'next_fire_at the one after them, null when there is none. Those that are not due yet are left. Returns false, and does '
    'nothing, when the schedule is not at that revision any more.';
