-- The workers that report. Reads only.

create or replace function tasker.list_workers() returns setof json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    select json_build_object('worker_id', w.worker_id, 'name', w.name, 'queues',
        (select json_agg(q.name order by q.name) from tasker.queue q where q.queue_id = any (w.queue_ids)),
        'slots', w.slots, 'running', w.running, 'idle', w.idle, 'handlers', w.handlers, 'version', w.version,
        'registered_at', w.registered_at, 'seen_at', w.seen_at)
    from tasker.worker w order by w.registered_at
$$;

comment on function tasker.list_workers() is
    'The workers that report: {worker_id, name, queues, slots, running, idle, handlers, version, registered_at, seen_at}.';
