-- The events that steps have emitted, newest first. Reads only. Index: emitted_event_by_name, or the primary key.

create or replace function tasker.list_events(
    name text default null, after uuid default null, max_rows integer default 100
) returns setof json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    select json_build_object('event_id', e.event_id, 'namespace', e.namespace, 'name', e.name, 'key', e.key, 'queue', e.queue,
        'payload', e.payload, 'task_id', e.task_id, 'place', e.place, 'emitted_at', tasker.utc_text(e.emitted_at))
    from tasker.emitted_event e
    where (list_events.name is null or e.name = list_events.name)
        and (list_events.after is null or e.event_id < list_events.after)
    order by e.event_id desc limit least(greatest(coalesce(list_events.max_rows, 100), 0), 1000)
$$;

comment on function tasker.list_events(text, uuid, integer) is
    'Events that steps have emitted, newest first: of one name, or all, up to max_rows (1,000 at most), those before the event '
    '`after`. Each {event_id, namespace, name, key, queue, payload, task_id, place, emitted_at}.';
