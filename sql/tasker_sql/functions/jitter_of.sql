-- How long after its nominal time a fire is due: at most the schedule's jitter, and always the same for one fire. Internal.

create or replace function tasker.jitter_of(p_schedule tasker.schedule, p_fire_at timestamptz) returns interval
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select (p_schedule.definition -> 'jitter')::double precision * interval '1 second'
        * ((hashtextextended(p_schedule.schedule_id || '/' || extract(epoch from p_fire_at)::text, 0) & 1048575) / 1048576.0)
$$;

comment on function tasker.jitter_of(tasker.schedule, timestamptz) is
    'Internal. How long after its nominal time a fire is due.';
