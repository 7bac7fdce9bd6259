-- The next moment at which something may become due: the earliest time ahead that is stored anywhere. Looks at every
-- column of a time in the engine's tables and its queues, so that whatever waits is found without being named here.

create function tasker_testing.next_stop() returns timestamptz
language plpgsql volatile
as $$
declare
    v_query text;
    v_next timestamptz;
begin
    select string_agg(format('select min(%I) from %s where %1$I > tasker_testing.clock_timestamp() and isfinite(%1$I)',
        a.attname, c.oid::regclass), ' union all ')
    into v_query
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where a.atttypid = 'timestamptz'::regtype and c.relkind = 'r' and (c.relnamespace = 'tasker'::regnamespace
        or c.oid in (select q.message_table from tasker.queue q));
    execute format('select min(found.at) from (%s) as found(at)', v_query) into v_next;
    return v_next;
end;
$$;
