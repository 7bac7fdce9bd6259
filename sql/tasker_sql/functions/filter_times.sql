-- A time window in a filter: {after, before}; each null where it is not given. Internal. Reads nothing but its argument and
-- the clock.

create or replace function tasker.filter_times(p_window jsonb, out after timestamptz, out before timestamptz) returns record
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select tasker.filter_time(p_window ->> 'after'), tasker.filter_time(p_window ->> 'before')
$$;

comment on function tasker.filter_times(jsonb) is
    'Internal. A time window in a filter.';
