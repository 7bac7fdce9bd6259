-- Depth and age of each queue, and who serves it. Reads only; counts at most 100,000 messages of a queue.
-- Index: the message table's primary key, from the low-water mark on.

create or replace function tasker.queue_stats() returns setof json
language plpgsql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_queue tasker.queue;
    v_ready bigint;
    v_leased bigint;
    v_oldest timestamptz;
begin
    for v_queue in select q.* from tasker.queue q order by q.name loop
        execute format('select count(*) filter (where m.vt <= now()), count(*) filter (where m.vt > now()),
                min(m.enqueued_at) filter (where m.vt <= now())
            from (select k.vt, k.enqueued_at from unnest($1) as w(mark) cross join lateral (
                select c.msg_id, c.vt, c.enqueued_at from %s c
                where c.msg_id between w.mark and w.mark | 1125899906842623 order by c.msg_id limit 100000) as k
                limit 100000) as m',
            v_queue.message_table)
        into v_ready, v_leased, v_oldest using v_queue.low_water;
        return query
        select json_build_object('queue', v_queue.name, 'ready', v_ready, 'leased', v_leased,
            'oldest_age_seconds', round(extract(epoch from greatest(now() - v_oldest, interval '0'))::numeric, 3),
            'workers', count(*), 'idle_workers', count(*) filter (where w.idle), 'slots', coalesce(sum(w.slots), 0),
            'paused', v_queue.paused,
            'used', exists (select from tasker.step_definition d where d.queue_id = v_queue.queue_id),
            'in_line', (select count(*) from (select from tasker.line l where l.queue_id = v_queue.queue_id limit 100000) as k))
        from tasker.worker w
        where w.queue_ids @> array[v_queue.queue_id] and w.seen_at > now() - interval '1 minute';
    end loop;
end;
$$;

comment on function tasker.queue_stats() is
    'Each queue: {queue, ready: messages that can run now, leased, oldest_age_seconds of the ready ones, workers, '
    'idle_workers, slots, paused: whether nothing of it is granted, used: whether steps of any template go to it, in_line: steps whose turn limits have not let come}.';
