-- A version 7 UUID (RFC 9562): milliseconds, then the fraction of the millisecond in the 12 bits after the version, then
-- random bits. So ids made one after the other on one server sort by time. PostgreSQL has its own only from 18 on.

create or replace function tasker.uuidv7() returns uuid
language sql volatile parallel safe
as $$
    select encode(
        substring(int8send(t.us / 1000) from 3)
        || substring(int4send((28672 + (t.us % 1000) * 4096 / 1000)::integer) from 3)
        || substring(uuid_send(gen_random_uuid()) from 9),
        'hex')::uuid
    from (select (extract(epoch from clock_timestamp()) * 1000000)::bigint as us) as t
$$;

comment on function tasker.uuidv7() is
    'A new time-ordered UUID (version 7).';
