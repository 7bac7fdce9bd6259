-- Decides the next fires of a backfill, and ends it after its last. Internal: part of fire_schedule.
-- Locks: the caller holds the schedule's; as decide_fire. Index: the primary key.

create or replace function tasker.advance_backfill(
    p_schedule tasker.schedule, p_backfill_id bigint, p_fires timestamptz[], p_next timestamptz
) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_backfill tasker.backfill;
    v_fire_at timestamptz;
begin
    select b.* into v_backfill from tasker.backfill b where b.backfill_id = p_backfill_id;
    foreach v_fire_at in array p_fires loop
        perform tasker.decide_fire(p_schedule, v_fire_at, 'backfill', v_backfill.overlap);
    end loop;
    if p_next is null or p_next > v_backfill.end_at then
        delete from tasker.backfill b where b.backfill_id = p_backfill_id;
    else
        update tasker.backfill b set decided_until = coalesce(v_fire_at, b.decided_until) where b.backfill_id = p_backfill_id;
    end if;
end;
$$;

comment on function tasker.advance_backfill(tasker.schedule, bigint, timestamptz[], timestamptz) is
    'Internal. Decides the next fires of a backfill, and ends it after its last.';
