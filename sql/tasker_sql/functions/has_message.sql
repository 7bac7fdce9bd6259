-- Whether a step's message is in its queue. Internal. Reads only. Index: the message table's primary key.

create or replace function tasker.has_message(p_definition_id integer, p_msg_id bigint) returns boolean
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_table regclass;
    v_found boolean;
begin
    select q.message_table into v_table
    from tasker.step_definition d join tasker.queue q using (queue_id) where d.definition_id = p_definition_id;
    execute format('select exists (select from %s m where m.msg_id = $1)', v_table) into v_found using p_msg_id;
    return v_found;
end;
$$;

comment on function tasker.has_message(integer, bigint) is
    'Internal. Whether a step''s message is in its queue.';
