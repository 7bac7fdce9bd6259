-- Enters a worker, or brings its entry up to date; creates its queues where they are missing. Locks: the worker's row.

create or replace function tasker.register_worker(
    worker_id uuid, name text, queues text[], slots integer, handlers text[], version text
) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_queue_ids integer[];
begin
    if register_worker.worker_id is null or coalesce(register_worker.name, '') = '' or array_position(register_worker.queues, null) is not null or register_worker.handlers is null
        or register_worker.version is null or (register_worker.slots > 0) is not true then
        raise exception using errcode = 'TK002', message = 'a worker needs an id, a name, a version, a list of handlers, at least one slot, and names of queues',
            hint = 'Nothing was registered.';
    end if;
    select array_agg(tasker.ensure_queue(q.name)) into v_queue_ids from unnest(register_worker.queues) as q(name);
    if v_queue_ids is null then
        raise exception using errcode = 'TK002', message = 'a worker needs at least one queue',
            hint = 'Name a queue, or give the worker a workflow, whose queues it takes.';
    end if;
    insert into tasker.worker as w (worker_id, name, queue_ids, slots, handlers, version)
    values (register_worker.worker_id, register_worker.name, v_queue_ids, register_worker.slots,
        register_worker.handlers, register_worker.version)
    on conflict on constraint worker_pkey do update
    set queue_ids = excluded.queue_ids, slots = excluded.slots, handlers = excluded.handlers, seen_at = now();
    return (select json_agg(json_build_object('queue_id', q.queue_id, 'name', q.name) order by q.queue_id)
        from tasker.queue q where q.queue_id = any (v_queue_ids));
end;
$$;

comment on function tasker.register_worker(uuid, text, text[], integer, text[], text) is
    'For workers. Enters a worker under an id of its own making; returns its queues as [{queue_id, name}].';
