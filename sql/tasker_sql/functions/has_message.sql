-- Whether a step's message is in its queue, or in line for it. Internal. Reads only. Index: the message table's primary key,
-- line_message.

create or replace function tasker.has_message(p_definition_id integer, p_msg_id bigint) returns boolean
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_queue tasker.queue;
    v_found boolean;
begin
    select q.* into v_queue
    from tasker.step_definition d join tasker.queue q using (queue_id) where d.definition_id = p_definition_id;
    execute format('select exists (select from %s m where m.msg_id = $1)', v_queue.message_table) into v_found using p_msg_id;
    return v_found or exists (select from tasker.line l where l.queue_id = v_queue.queue_id and l.msg_id = p_msg_id);
end;
$$;

comment on function tasker.has_message(integer, bigint) is
    'Internal. Whether a step''s message is in its queue.';
