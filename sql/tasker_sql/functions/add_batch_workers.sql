-- Writes the workers of batches that have said how many there are, and enqueues those whose turn it is, in one write: there
-- may be 100,000 of them. `p_definitions`: what the task is to get, of which batch workers are written. Returns the queues, once for each step that was
-- enqueued. Nobody is woken. Internal: a part of grow_task.
-- Locks: the caller holds the task's. Index: step's primary key.

create or replace function tasker.add_batch_workers(p_task_id uuid, p_priority smallint, p_definitions integer[]) returns integer[]
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_last integer := tasker.last_step_no(p_task_id);
    v_tasks uuid[];
    v_steps integer[];
    v_messages bigint[];
    v_queues integer[];
    v_limited boolean;
begin
    with batch as (
        select d.*, q.message_sequence, b.step_no as batch_no, b.result, jsonb_array_length(b.result) as size,
            (sum(jsonb_array_length(b.result)) over (order by d.step_no) - jsonb_array_length(b.result))::integer + v_last as before
        from tasker.step_definition d
        join tasker.queue q using (queue_id)
        join tasker.definition_edge e on e.to_id = d.definition_id
        join tasker.step b on b.task_id = p_task_id and b.step_no = e.from_no
        where d.definition_id = any (p_definitions) and d.kind = 'batch_worker'
    ), counted as (
        insert into tasker.batch (task_id, definition_id, first_no, size, released)
        select p_task_id, b.definition_id, b.before + 1, b.size, least(b.size, b.parallelism) from batch b
    ), worker as (
        insert into tasker.step (task_id, step_no, definition_id, waiting_on, state, attempt_limit, msg_id, enqueued_at, origin_no,
            instance, input, priority)
        select p_task_id, b.before + c.no, b.definition_id, r.later::integer,
            case when r.later then 'pending' else 'enqueued' end::tasker.step_state, b.max_attempts,
            case when not r.later then tasker.next_message(b.message_sequence, p_priority) end,
            case when not r.later then now() end, b.batch_no, c.no, c.cursor, p_priority
        from batch b
        cross join lateral jsonb_array_elements(b.result) with ordinality as c(cursor, no)
        cross join lateral (select c.no > coalesce(b.parallelism, b.size) as later) as r
        order by b.step_no, c.no
        returning step_no, definition_id, msg_id
    )
    select array_agg(p_task_id), array_agg(w.step_no), array_agg(w.msg_id), array_agg(b.queue_id),
        bool_or(b.step_time_limit is not null)
    into v_tasks, v_steps, v_messages, v_queues, v_limited
    from worker w join batch b using (definition_id) where w.msg_id is not null;

    if v_tasks is not null then
        perform tasker.send_messages(v_queues, v_messages, v_tasks, v_steps);
    end if;
    if v_limited then
        perform tasker.start_step_clocks(v_tasks, v_steps);
    end if;
    return v_queues;
end;
$$;

comment on function tasker.add_batch_workers(uuid, smallint, integer[]) is
    'Internal. Writes the workers of batches, and enqueues those whose turn it is; returns their queues.';
