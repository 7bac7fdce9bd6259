-- A version 7 UUID (RFC 9562): milliseconds, then the fraction of the millisecond in the 12 bits after the version, then
-- random bits. So ids made one after the other on one server sort by time. PostgreSQL has its own only from 18 on.
-- One expression without a fixed search_path, so that it is inlined: it runs once per task.

create or replace function tasker.uuidv7() returns uuid
language sql volatile parallel safe
as $$
    select (overlay(lpad(to_hex((date_part('epoch', clock_timestamp()) * 4096000)::bigint), 15, '0') placing '7' from 13 for 0)
        || substring(gen_random_uuid()::text from 20))::uuid
$$;

comment on function tasker.uuidv7() is
    'A new time-ordered UUID (version 7).';
