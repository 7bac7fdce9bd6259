-- The least version 7 UUID of a point in time: tasks that were submitted before it have smaller ids. Internal.

create or replace function tasker.uuidv7_at(p_at timestamptz) returns uuid
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select (lpad(to_hex(least(greatest(floor(extract(epoch from p_at) * 1000), 0), 281474976710655)::bigint), 12, '0')
        || repeat('0', 20))::uuid
$$;

comment on function tasker.uuidv7_at(timestamptz) is
    'Internal. The least version 7 UUID of a point in time.';
