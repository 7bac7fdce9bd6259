-- Starts buffered fires of schedules of which nothing runs any more, the oldest of each. Looks for them without a lock, so
-- that waiting costs no writes, and once more with it. Locks: the schedules, skipping those held, then as submit_tasks.
-- Index: fire_buffered, fire_live.

create or replace function tasker.release_fires(max_rows integer default 100) returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_schedule tasker.schedule;
    v_fire tasker.fire;
    v_started integer := 0;
begin
    if (release_fires.max_rows > 0) is not true then
        raise exception using errcode = 'TK002', message = 'release_fires takes at least one row at a time', hint = 'Give max_rows as 1 or more. Nothing was changed.';
    end if;
    for v_schedule in
        select s.* from tasker.schedule s
        where s.schedule_id in (select w.schedule_id from tasker.fire w where w.state = 'buffered')
            and exists (select from tasker.fire f
                where f.schedule_id = s.schedule_id and f.state = 'buffered'
                    and (f.not_before is null or f.not_before <= now()) and (f.origin <> 'schedule' or not s.paused))
            and tasker.list_running(s.schedule_id) = '{}'
        limit release_fires.max_rows for update skip locked
    loop
        perform tasker.settle_fires(v_schedule.schedule_id);
        select f.* into v_fire from tasker.fire f
        where f.schedule_id = v_schedule.schedule_id and f.state = 'buffered'
            and (f.not_before is null or f.not_before <= now()) and (f.origin <> 'schedule' or not v_schedule.paused)
        order by f.fire_id limit 1;
        if found and tasker.list_running(v_schedule.schedule_id) = '{}' then
            perform tasker.start_fire(v_schedule, v_fire);
            v_started := v_started + 1;
        end if;
    end loop;
    return v_started;
end;
$$;

comment on function tasker.release_fires(integer) is
    'Maintenance. Starts buffered fires of up to max_rows schedules of which nothing runs any more, the oldest of each. '
    'Returns how many.';
