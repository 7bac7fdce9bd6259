-- The queues that events were emitted into. Reads only: pgmq's list of its queues, which has a row for each.

create or replace function tasker.list_event_queues() returns setof json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    select json_build_object('queue', substr(q.queue_name, length('event_') + 1))
    from pgmq.meta q where starts_with(q.queue_name, 'event_') order by q.queue_name
$$;

comment on function tasker.list_event_queues() is
    'The queues that events were emitted into, by name. Each {queue}, as read_events takes it.';
