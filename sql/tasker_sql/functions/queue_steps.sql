-- Enqueues steps, from a state in which no message of theirs is good. Returns their queues, once for each step. Nobody is
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
    with moved as (
        update tasker.step s
        set state = 'enqueued', waiting_on = 0, msg_id = tasker.next_message(q.message_sequence, s.priority),
            enqueued_at = now(), completed_at = null
        from unnest(p_tasks, p_steps) as e(task_id, step_no), tasker.step_definition d, tasker.queue q
        where s.task_id = e.task_id and s.step_no = e.step_no
            and d.definition_id = s.definition_id and q.queue_id = d.queue_id
        returning d.queue_id, s.msg_id, s.task_id, s.step_no
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
