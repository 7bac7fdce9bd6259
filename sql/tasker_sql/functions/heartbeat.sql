-- Extends a worker's leases, stores its handlers' progress, and tells it which steps are no longer its own. A lease is
-- never extended past its attempt's deadline (and a second for the worker to end it), so a handler that cannot be stopped
-- loses it. Locks: the worker, messages, skipping what is held (by the worker's own exchange, or an operator), so that a
-- heartbeat waits for nobody; then steps (store_progress). Index: the primary keys.

create or replace function tasker.heartbeat(
    worker_id uuid, running integer, leases jsonb, lease_seconds double precision
) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_column
declare
    v_queue tasker.queue;
    v_kept integer[] := '{}';
    v_numbers integer[];
    v_answer json;
    v_known boolean;
begin
    if (heartbeat.worker_id is null or heartbeat.running is null or jsonb_typeof(heartbeat.leases) <> 'array'
            or not heartbeat.lease_seconds between 0.1 and 86400) is not false then
        raise exception using errcode = 'TK002', message = format('a heartbeat takes a worker, how many handlers are running, an array of leases, not %s, and a lease of'
            ' 0.1 to 86,400 seconds, not %s', coalesce(jsonb_typeof(heartbeat.leases), 'null'),
            coalesce(heartbeat.lease_seconds::text, 'null')),
            hint = 'No lease was extended.';
    end if;
    perform tasker.check_leases(heartbeat.leases);
    v_known := exists (select from tasker.worker w where w.worker_id = heartbeat.worker_id);
    update tasker.worker w set seen_at = now(), running = heartbeat.running
    where w.worker_id in (
        select k.worker_id from tasker.worker k where k.worker_id = heartbeat.worker_id for no key update skip locked);
    for v_queue in
        select q.* from tasker.queue q
        where q.queue_id in (select l.queue_id from jsonb_to_recordset(heartbeat.leases) as l(queue_id integer))
        order by q.queue_id
    loop
        execute format('with held as (
                select l.n::integer as n, m.msg_id, s.deadline_at
                from rows from (jsonb_to_recordset($1)
                        as (queue_id integer, msg_id bigint, read_ct integer, task_id uuid, step_no integer))
                    with ordinality as l(queue_id, msg_id, read_ct, task_id, step_no, n)
                join %1$s m on m.msg_id = l.msg_id and m.read_ct = l.read_ct
                join tasker.step s on s.task_id = l.task_id and s.step_no = l.step_no and s.msg_id = l.msg_id
                where l.queue_id = $2 and s.state = ''in_progress''
            ), locked as (
                select m.msg_id from %1$s m where m.msg_id in (select h.msg_id from held h)
                order by m.msg_id for update skip locked
            ), extended as (
                update %1$s m
                set vt = least(clock_timestamp() + make_interval(secs => $3), h.deadline_at + interval ''1 second'')
                from held h, locked k where m.msg_id = h.msg_id and k.msg_id = m.msg_id
            )
            select array_agg(h.n) from held h', v_queue.message_table)
        into v_numbers using heartbeat.leases, v_queue.queue_id, heartbeat.lease_seconds;
        v_kept := v_kept || coalesce(v_numbers, '{}');
    end loop;

    perform tasker.store_progress(heartbeat.leases, v_kept);

    select json_build_object(
        'known', v_known,
        'lost', coalesce(json_agg(l.n) filter (where s.state is distinct from 'cancelled'), '[]'),
        'cancelled', coalesce(json_agg(l.n) filter (where s.state = 'cancelled'), '[]'))
    into v_answer
    from rows from (jsonb_to_recordset(heartbeat.leases) as (task_id uuid, step_no integer))
        with ordinality as l(task_id, step_no, n)
    left join tasker.step s on s.task_id = l.task_id and s.step_no = l.step_no
    where l.n <> all (v_kept);
    return v_answer;
end;
$$;

comment on function tasker.heartbeat(uuid, integer, jsonb, double precision) is
    'For workers. Extends leases and stores progress. leases is an array of {queue_id, msg_id, read_ct, task_id, step_no, '
    'progress}. Returns {known: whether the worker is on the list, lost: numbers (from 1) of leases that are no longer the '
    'worker''s, cancelled: those whose step was cancelled}. TK002 names one that cannot be read; then none is extended.';
