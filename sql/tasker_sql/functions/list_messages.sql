-- The numbers of a task's steps whose messages are in their queues, or in line for them, each queue looked at once. Internal. Reads only.
-- Index: step's primary key, the message tables' primary keys, line_message.

create or replace function tasker.list_messages(p_task_id uuid) returns setof integer
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_held record;
begin
    for v_held in
        select q.queue_id, q.message_table, array_agg(s.msg_id) as messages, array_agg(s.step_no) as steps
        from tasker.step s join tasker.step_definition d using (definition_id) join tasker.queue q using (queue_id)
        where s.task_id = p_task_id and s.msg_id is not null group by q.queue_id
    loop
        return query execute format('select h.step_no from unnest($1, $2) as h(msg_id, step_no) join %s m using (msg_id)',
            v_held.message_table) using v_held.messages, v_held.steps;
        return query select h.step_no from unnest(v_held.messages, v_held.steps) as h(msg_id, step_no)
            join tasker.line l on l.queue_id = v_held.queue_id and l.msg_id = h.msg_id;
    end loop;
end;
$$;

comment on function tasker.list_messages(uuid) is
    'Internal. The numbers of a task''s steps whose messages are in their queues.';
