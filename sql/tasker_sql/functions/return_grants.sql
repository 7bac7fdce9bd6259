-- Gives back steps that were just granted, as if they had not been: their messages can be claimed again at once, and keep their
-- places. Internal: part of an exchange, whose claims hold the messages and steps, and which has told nobody of them yet.
-- Locks: none that are not held. Index: step's and the message tables' primary keys.

create or replace function tasker.return_grants(p_tasks uuid[], p_steps integer[], p_messages bigint[]) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_back record;
begin
    update tasker.step s set state = 'enqueued', attempt = s.attempt - 1, worker_id = null, deadline_at = null
    from unnest(p_tasks, p_steps) as g(task_id, step_no)
    where s.task_id = g.task_id and s.step_no = g.step_no and s.state = 'in_progress';
    for v_back in
        select q.message_table, array_agg(g.msg_id) as messages
        from unnest(p_tasks, p_steps, p_messages) as g(task_id, step_no, msg_id)
        join tasker.step s using (task_id, step_no) join tasker.step_definition d using (definition_id)
        join tasker.queue q using (queue_id) group by q.message_table
    loop
        execute format('update %s m set vt = ''-infinity'' where m.msg_id = any ($1)', v_back.message_table)
        using v_back.messages;
    end loop;
end;
$$;

comment on function tasker.return_grants(uuid[], integer[], bigint[]) is
    'Internal. Gives back steps that were just granted.';
