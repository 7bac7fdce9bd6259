-- Gives events of a queue to a reader, oldest first, which nobody else is given until their lease is over.
-- Locks: their messages, skipping those held. Index: pgmq's own.

create or replace function tasker.read_events(queue text, max_rows integer default 1, lease interval default '30 seconds')
returns setof json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
begin
    if (read_events.lease between interval '1 second' and interval '1 day' and read_events.max_rows between 1 and 1000) is not true then
        raise exception using errcode = 'TK002', message = 'a lease is 1 second to 1 day, and at most 1,000 events are read at a time',
            hint = 'Nothing was read.';
    end if;
    if to_regclass(format('pgmq.%I', 'q_event_' || coalesce(read_events.queue, ''))) is null then
        return;  -- nothing was ever emitted into it
    end if;
    return query
        select (m.message || jsonb_build_object('receipt', m.msg_id || ':' || m.read_ct, 'reads', m.read_ct))::json
        from pgmq.read('event_' || read_events.queue, ceil(extract(epoch from read_events.lease))::integer, read_events.max_rows) as m
        order by m.msg_id;
end;
$$;

comment on function tasker.read_events(text, integer, interval) is
    'Reads up to max_rows events of a queue. Nobody else is given them until the lease is over, or for ever once finish_events has '
    'taken them out. Each {event_id, namespace, name, key, payload, task_id, place, emitted_at, reads: how often it was given, receipt}.';
