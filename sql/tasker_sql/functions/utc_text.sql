-- A point in time as text in UTC, the same whatever the session's settings: 2030-01-31T12:00:00.000000Z. Internal.

create or replace function tasker.utc_text(p_at timestamptz) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

comment on function tasker.utc_text(timestamptz) is
    'Internal. A point in time as text in UTC.';
