-- Of the messages a claim has leased, deletes those that no step answers to any more (its task was cancelled, or a later
-- message took its place). One whose step another transaction holds just now stays, and is seen again when this lease
-- ends. Internal.
-- Locks: none; the caller holds the messages.

create or replace function tasker.drop_dead_messages(p_queue tasker.queue, p_messages bigint[], p_tasks uuid[], p_steps integer[])
returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_alive bigint[];
    v_foreign bigint[];
begin
    select array_agg(m.msg_id) into v_foreign
    from unnest(p_messages, p_tasks, p_steps) as m(msg_id, task_id, step_no) where m.task_id is null or m.step_no is null;
    if v_foreign is not null then
        perform pgmq.archive('tasker_' || p_queue.name, v_foreign);
        raise warning 'archived % messages of queue % that Tasker has not sent: %', cardinality(v_foreign), p_queue.name, v_foreign
            using hint = 'They are in pgmq.a_tasker_' || p_queue.name || '. Nothing but Tasker may send to its queues.';
    end if;
    select coalesce(array_agg(m.msg_id), '{}') into v_alive
    from unnest(p_messages, p_tasks, p_steps) as m(msg_id, task_id, step_no)
    join tasker.step s on s.task_id = m.task_id and s.step_no = m.step_no and s.msg_id = m.msg_id
        and s.state in ('enqueued', 'in_progress');
    execute format('delete from %s as m where m.msg_id = any ($1) and m.msg_id <> all ($2)', p_queue.message_table)
    using p_messages, v_alive;
end;
$$;

comment on function tasker.drop_dead_messages(tasker.queue, bigint[], uuid[], integer[]) is
    'Internal. Deletes claimed messages that no step answers to any more.';
