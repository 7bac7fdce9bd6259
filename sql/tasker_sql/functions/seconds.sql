-- A JSON number of seconds as an interval; null stays null. Internal.

create or replace function tasker.seconds(p_seconds jsonb) returns interval
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select case when jsonb_typeof(p_seconds) = 'number'
        then make_interval(secs => (p_seconds #>> '{}')::double precision) end;
$$;

comment on function tasker.seconds(jsonb) is
    'Internal. A JSON number of seconds as an interval.';
