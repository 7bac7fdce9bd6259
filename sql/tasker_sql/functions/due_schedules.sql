-- What the scheduler has to do: schedules that are due, and backfills that there is room for. Reads only.
-- Index: schedule_due, backfill_schedule, fire_buffered.

create or replace function tasker.due_schedules(max_rows integer default 100) returns json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    with chosen as (
        (select s.schedule_id, null::bigint as backfill_id, s.decided_until as after, now() as until, 1000 as room
        from tasker.schedule s where s.wake_at <= now() and s.fault is null
        order by s.wake_at limit greatest(coalesce(due_schedules.max_rows, 100), 0))
        union all
        (select b.schedule_id, b.backfill_id, b.decided_until, b.end_at, least(1000 - w.buffered, 100)
        from tasker.backfill b join tasker.schedule s using (schedule_id)
        cross join lateral (select case when b.overlap in ('buffer_all', 'buffer_one') then count(*) else 0 end as buffered
            from tasker.fire f where f.schedule_id = b.schedule_id and f.state = 'buffered') as w
        where s.fault is null and w.buffered < 1000
            and not exists (select from tasker.backfill e where e.schedule_id = b.schedule_id and e.backfill_id < b.backfill_id)
        order by b.backfill_id limit greatest(coalesce(due_schedules.max_rows, 100), 0))
    )
    select json_build_object(
        'due', coalesce(json_agg(json_build_object(
            'schedule_id', s.schedule_id, 'name', n.name || '/' || s.name, 'revision', s.revision,
            'definition', s.definition - array['input', 'context', 'tags'], 'backfill_id', c.backfill_id,
            'after', tasker.utc_text(c.after), 'until', tasker.utc_text(c.until), 'room', c.room)), '[]'),
        'next_due', (select extract(epoch from min(w.wake_at)) from tasker.schedule w where w.wake_at > now()))
    from chosen c join tasker.schedule s using (schedule_id) join tasker.namespace n using (namespace_id)
$$;

comment on function tasker.due_schedules(integer) is
    'Maintenance. What the scheduler has to do: {due: [{schedule_id, name, revision, definition, backfill_id, after, until, '
    'room: how many fires at most}], next_due: seconds since the epoch, or null}.';
