-- Enqueues steps, in the order given, from a state in which no message of theirs is good. Returns their queues, once for each step. Nobody is
-- woken. Internal. Locks: steps; the caller holds the tasks' locks. Index: step's primary key.

create or replace function tasker.queue_steps(p_tasks uuid[], p_steps integer[]) returns integer[]
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_queues integer[];
    v_messages bigint[];
    v_tasks uuid[];
    v_steps integer[];
begin
    with numbered as materialized (
        select e.task_id, e.step_no, q.queue_id, tasker.next_message(q.message_sequence, s.priority) as msg_id
        from unnest(p_tasks, p_steps) with ordinality as e(task_id, step_no, n)
        join tasker.step s using (task_id, step_no)
        join tasker.step_definition d using (definition_id)
        join tasker.queue q using (queue_id)
        order by e.n
    ), moved as (
        update tasker.step s
        set state = 'enqueued', waiting_on = 0, msg_id = n.msg_id, enqueued_at = now(), completed_at = null
        from numbered n where s.task_id = n.task_id and s.step_no = n.step_no
        returning n.queue_id, s.msg_id, s.task_id, s.step_no
    )
    select array_agg(m.queue_id), array_agg(m.msg_id), array_agg(m.task_id), array_agg(m.step_no)
    into v_queues, v_messages, v_tasks, v_steps from moved m;
    if v_tasks is not null then
        perform tasker.send_messages(v_queues, v_messages, v_tasks, v_steps);
    end if;
    return v_queues;
end;
$$;

comment on function tasker.queue_steps(uuid[], integer[]) is
    'Internal. Enqueues steps; returns their queues.';
