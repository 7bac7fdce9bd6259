-- One schedule as JSON. Internal. Reads only. Index: fire_live, fire_buffered, backfill_schedule.

create or replace function tasker.describe_schedule(p_schedule tasker.schedule) returns jsonb
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select jsonb_build_object('namespace', n.name, 'name', p_schedule.name) || p_schedule.definition || jsonb_build_object(
        'paused', p_schedule.paused, 'note', p_schedule.note, 'fault', p_schedule.fault,
        'next_fire_at', p_schedule.next_fire_at, 'decided_until', p_schedule.decided_until,
        'running', cardinality(tasker.list_running(p_schedule.schedule_id)),
        'buffered', (select count(*) from tasker.fire f
            where f.schedule_id = p_schedule.schedule_id and f.state = 'buffered'),
        'backfills', (select count(*) from tasker.backfill b where b.schedule_id = p_schedule.schedule_id),
        'created_at', p_schedule.created_at, 'updated_at', p_schedule.updated_at)
    from tasker.namespace n where n.namespace_id = p_schedule.namespace_id
$$;

comment on function tasker.describe_schedule(tasker.schedule) is
    'Internal. One schedule as JSON.';
