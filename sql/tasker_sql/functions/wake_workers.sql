-- Notifies the queues that have an idle worker, with an empty payload. Internal. Locks: none here, but a notification
-- takes a server-wide lock at commit, which is why nobody is notified while every worker is busy.

create or replace function tasker.wake_workers(p_queues integer[]) returns void
language sql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
    select pg_notify('tasker_queue_' || q.queue_id, '')
    from tasker.queue q
    where q.queue_id = any (p_queues)
        and exists (select from tasker.worker w where w.idle and w.queue_ids @> array[q.queue_id])
$$;

comment on function tasker.wake_workers(integer[]) is
    'Internal. Notifies the queues that have an idle worker.';
