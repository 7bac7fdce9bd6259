-- Decides those of a schedule's next times that are due, in order, and returns the first that is not, or null. What was due
-- longer ago than the catch-up window is missed. Where a later fire takes the place of an earlier one, only the last of them
-- starts anything. Internal: part of fire_schedule. Locks: as decide_fire.

create or replace function tasker.decide_due(p_schedule tasker.schedule, p_times timestamptz[]) returns timestamptz
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_window interval := tasker.seconds(p_schedule.definition -> 'catchup_window');
    v_overlap text := p_schedule.definition ->> 'overlap';
    v_time record;
begin
    for v_time in
        select t.at, t.due, lead(t.due) over (order by t.at) <= now() as replaced
        from (select u.at, u.at + tasker.jitter_of(p_schedule, u.at) as due from unnest(p_times) as u(at)) as t
        where t.at is not null order by t.at
    loop
        if v_time.due > now() or v_time.at = p_times[cardinality(p_times)] then
            return v_time.at;
        elsif v_time.due < now() - v_window then
            insert into tasker.fire (schedule_id, fire_at, origin, state, note)
            values (p_schedule.schedule_id, v_time.at, 'schedule', 'missed', 'it was past the catch-up window')
            on conflict do nothing;
        elsif v_time.replaced and v_overlap in ('cancel_other', 'terminate_other') then
            insert into tasker.fire (schedule_id, fire_at, origin, state, note)
            values (p_schedule.schedule_id, v_time.at, 'schedule', 'skipped', 'a later one took its place')
            on conflict do nothing;
        else
            perform tasker.decide_fire(p_schedule, v_time.at, 'schedule', v_overlap);
        end if;
    end loop;
    return null;
end;
$$;

comment on function tasker.decide_due(tasker.schedule, timestamptz[]) is
    'Internal. Decides those of a schedule''s next times that are due; returns the first that is not.';
