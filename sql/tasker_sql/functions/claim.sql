-- Leases up to `p_want` messages of one class of one queue to a worker and starts an attempt of their steps. Returns the granted
-- steps as arrays, or nulls when there were none. A message that comes back although its step is in progress is a lost
-- lease: that attempt is recorded as lost, and counts; another begins unless the task is paused. A message that is none of
-- ours, because something else has sent it, is taken out of the way. Internal: the second half of an exchange.
-- Locks: messages, then steps, both skipping what another transaction holds, so that a claim never waits and can stand
-- after other work in one transaction. Index: the message table's primary key, from the class's low-water mark on; the
-- messages found are updated by their place in the table, which nobody changes while they are locked.

create or replace function tasker.claim(
    p_worker_id uuid, p_queue tasker.queue, p_mark bigint, p_want integer, p_lease interval,
    out tasks uuid[], out steps integer[], out messages bigint[], out reads integer[], out taken integer
) returns record
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_messages bigint[];
    v_reads integer[];
    v_task_texts text[];
    v_step_texts text[];
    v_tasks uuid[];
    v_steps integer[];
    v_found integer;
    v_lost jsonb;
begin
    execute format('with visible as (
            select m.ctid from %1$s m where m.msg_id between $1 and $1 | 1125899906842623 and m.vt <= clock_timestamp()
            order by m.msg_id limit $2 for update skip locked
        ), leased as (
            update %1$s m set vt = clock_timestamp() + $3, read_ct = m.read_ct + 1, last_read_at = clock_timestamp()
            from visible v where m.ctid = v.ctid
            returning m.msg_id, m.read_ct, m.message ->> ''task_id'' as task_id, m.message ->> ''step_no'' as step_no)
        select array_agg(l.msg_id), array_agg(l.read_ct), array_agg(l.task_id), array_agg(l.step_no) from leased l',
        p_queue.message_table)
    into v_messages, v_reads, v_task_texts, v_step_texts using p_mark, p_want, p_lease;
    taken := coalesce(cardinality(v_messages), 0);
    if taken = 0 then
        return;
    end if;
    begin
        v_tasks := v_task_texts::uuid[];
        v_steps := v_step_texts::integer[];
    exception when data_exception then
        select array_agg(case when f.task ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then f.task::uuid end order by f.n),
            array_agg(case when f.step ~ '^[0-9]{1,9}$' then f.step::integer end order by f.n)
        into v_tasks, v_steps from unnest(v_task_texts, v_step_texts) with ordinality as f(task, step, n);
    end;

    with found as materialized (
        select s.task_id, s.step_no, s.state, s.attempt, s.worker_id, s.started_at, s.deadline_at, m.msg_id, m.read_ct,
            d.attempt_time_limit, s.state = 'in_progress' as lost,
            s.state = 'in_progress' and s.attempt >= s.attempt_limit as spent,
            s.state = 'in_progress'
                and (select t.state = 'paused' from tasker.task t where t.task_id = s.task_id) is true as paused
        from unnest(v_messages, v_reads, v_tasks, v_steps) as m(msg_id, read_ct, task_id, step_no)
        join tasker.step s on s.task_id = m.task_id and s.step_no = m.step_no and s.msg_id = m.msg_id
            and s.state in ('enqueued', 'in_progress')
        join tasker.step_definition d using (definition_id)
        for update of s skip locked
    ), started as (
        update tasker.step s
        set state = 'in_progress', attempt = f.attempt + 1, worker_id = p_worker_id, started_at = clock_timestamp(),
            deadline_at = clock_timestamp() + f.attempt_time_limit, progress = null
        from found f
        where s.task_id = f.task_id and s.step_no = f.step_no and not f.spent and not f.paused
        returning s.task_id, s.step_no, f.msg_id, f.read_ct
    )
    select array_agg(s.task_id), array_agg(s.step_no), array_agg(s.msg_id), array_agg(s.read_ct),
        (select count(*) from found),
        (select jsonb_agg(to_jsonb(f)) from found f where f.lost)
    into tasks, steps, messages, reads, v_found, v_lost
    from started s;

    if v_lost is not null then
        perform tasker.record_lost_attempts(p_queue, v_lost);
    end if;
    if v_found < taken then
        perform tasker.drop_dead_messages(p_queue, v_messages, v_tasks, v_steps);
    end if;
end;
$$;

comment on function tasker.claim(uuid, tasker.queue, bigint, integer, interval) is
    'Internal. Leases messages of one class of one queue to a worker and starts attempts of their steps.';
