-- Tells the children of resolved steps: counts down what each waits on, all at once, and enqueues those that wait for
-- nothing more. Returns the tasks of the steps it enqueued, one entry per step, and their queues. Internal.
-- Locks: steps; the caller holds the tasks' locks, which guard them. Index: definition_edge's and step's primary keys.

create or replace function tasker.resolve_successors(
    p_tasks uuid[], p_definitions integer[], out ready uuid[], out queues integer[]
) returns record
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_messages bigint[];
    v_steps integer[];
    v_limited boolean;
begin
    with resolved as (
        select r.task_id, e.to_id, e.to_no, count(*)::integer as parents
        from unnest(p_tasks, p_definitions) as r(task_id, definition_id)
        join tasker.definition_edge e on e.from_id = r.definition_id
        group by r.task_id, e.to_id, e.to_no
    ), told as (
        update tasker.step s
        set waiting_on = s.waiting_on - r.parents,
            state = case when s.waiting_on = r.parents then 'enqueued' else s.state end,
            enqueued_at = case when s.waiting_on = r.parents then now() end,
            msg_id = case when s.waiting_on = r.parents then tasker.next_message(q.message_sequence, s.priority) end
        from resolved r
        join tasker.step_definition d on d.definition_id = r.to_id
        join tasker.queue q using (queue_id)
        where s.task_id = r.task_id and s.step_no = r.to_no and s.state = 'pending'
        returning s.task_id, s.step_no, s.msg_id, d.queue_id, d.step_time_limit
    )
    select array_agg(t.task_id), array_agg(t.step_no), array_agg(t.msg_id), array_agg(t.queue_id),
        bool_or(t.step_time_limit is not null)
    into ready, v_steps, v_messages, queues, v_limited
    from told t where t.msg_id is not null;

    if v_limited then
        perform tasker.start_step_clocks(ready, v_steps);
    end if;
    if ready is not null then
        perform tasker.send_messages(queues, v_messages, ready, v_steps);
    end if;
end;
$$;

comment on function tasker.resolve_successors(uuid[], integer[]) is
    'Internal. Counts down the children of resolved steps and enqueues those that wait for nothing more.';
