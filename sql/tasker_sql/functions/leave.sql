-- Takes a worker off the list, when it stops by itself. Its leases stay: it has given its steps back before.

create or replace function tasker.leave(worker_id uuid) returns void
language sql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    delete from tasker.worker w where w.worker_id = leave.worker_id
$$;

comment on function tasker.leave(uuid) is
    'For workers. Takes a worker that stops off the list.';
