-- Takes the steps of paused tasks out of their queues: what is enqueued is pending again, with nothing to wait for, and
-- still counts as live. Whatever may have enqueued steps of a paused task calls it before its transaction ends; of other
-- tasks it changes nothing. Returns how many it parked. Internal.
-- Locks: steps, then messages, skipping those held (whoever holds one finds the step parked). The caller holds the tasks'.
-- Index: the primary keys.

create or replace function tasker.park_steps(p_tasks uuid[]) returns integer
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_queues integer[];
    v_messages bigint[];
    v_queue tasker.queue;
begin
    with queued as materialized (
        select s.task_id, s.step_no, s.msg_id, d.queue_id
        from tasker.task t join tasker.step s using (task_id) join tasker.step_definition d using (definition_id)
        where t.task_id = any (p_tasks) and t.state = 'paused' and s.state = 'enqueued'
        order by s.task_id, s.step_no for update of s
    ), parked as (
        update tasker.step s set state = 'pending', msg_id = null, enqueued_at = null
        from queued q where s.task_id = q.task_id and s.step_no = q.step_no
    )
    select array_agg(q.queue_id), array_agg(q.msg_id) into v_queues, v_messages from queued q;
    for v_queue in select q.* from tasker.queue q where q.queue_id = any (v_queues) order by q.queue_id loop
        execute format('delete from %1$s as m where m.msg_id in (select k.msg_id from %1$s k
            where k.msg_id in (select g.msg_id from unnest($1, $2) as g(queue_id, msg_id) where g.queue_id = $3)
            for update skip locked)', v_queue.message_table)
        using v_queues, v_messages, v_queue.queue_id;
    end loop;
    return coalesce(cardinality(v_messages), 0);
end;
$$;

comment on function tasker.park_steps(uuid[]) is
    'Internal. Takes the steps of paused tasks out of their queues; returns how many.';
