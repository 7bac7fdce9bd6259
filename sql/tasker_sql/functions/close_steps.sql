-- Ends steps before their handlers did: sets them to the given final state, records attempts under way, drops retry
-- timers and messages. A worker that runs one finds at its next heartbeat that the lease is gone. Internal.
-- Locks: steps, then messages, skipping those held (whoever holds one finds the step closed). The caller holds the tasks'.

create or replace function tasker.close_steps(p_tasks uuid[], p_steps integer[], p_state tasker.step_state, p_error jsonb)
returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_queues integer[];
    v_messages bigint[];
    v_queue tasker.queue;
begin
    with before as materialized (
        select s.task_id, s.step_no, s.state, s.attempt, s.worker_id, s.started_at, s.msg_id, d.queue_id
        from unnest(p_tasks, p_steps) as c(task_id, step_no)
        join tasker.step s using (task_id, step_no) join tasker.step_definition d using (definition_id)
        order by s.task_id, s.step_no for update of s
    ), cut as (
        insert into tasker.attempt (task_id, step_no, attempt, outcome, worker_id, started_at, error)
        select b.task_id, b.step_no, b.attempt, case p_state when 'error' then 'error' else 'cancelled' end,
            b.worker_id, b.started_at, p_error
        from before b where b.state = 'in_progress'
        on conflict do nothing
    ), stopped as (
        delete from tasker.timer t using before b where t.task_id = b.task_id and t.step_no = b.step_no
    ), awaited as (
        delete from tasker.wait w using before b where w.task_id = b.task_id and w.step_no = b.step_no
    ), closed as (
        update tasker.step s
        set state = p_state, error = coalesce(p_error, s.error), completed_at = now(), msg_id = null, deadline_at = null
        from before b where s.task_id = b.task_id and s.step_no = b.step_no
    )
    select array_agg(b.queue_id), array_agg(b.msg_id) into v_queues, v_messages from before b where b.msg_id is not null;
    for v_queue in select q.* from tasker.queue q where q.queue_id = any (v_queues) order by q.queue_id loop
        execute format('delete from %1$s as m where m.msg_id in (select k.msg_id from %1$s k
            where k.msg_id in (select g.msg_id from unnest($1, $2) as g(queue_id, msg_id) where g.queue_id = $3)
            for update skip locked)', v_queue.message_table)
        using v_queues, v_messages, v_queue.queue_id;
    end loop;
end;
$$;

comment on function tasker.close_steps(uuid[], integer[], tasker.step_state, jsonb) is
    'Internal. Ends steps before their handlers did.';
