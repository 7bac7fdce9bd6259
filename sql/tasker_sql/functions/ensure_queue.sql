-- Creates a queue if it is not there and returns its id. Internal: called while registering a template.
-- Locks: an advisory lock for queue creation, held to the end of the transaction.
-- pgmq's index on vt is dropped: it would make every claim a non-HOT update, and the claim walks the primary key.

create or replace function tasker.ensure_queue(p_name text) returns integer
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_queue_id integer;
    v_name text := 'tasker_' || p_name;
    v_index regclass;
begin
    select q.queue_id into v_queue_id from tasker.queue q where q.name = p_name;
    if found then
        return v_queue_id;
    end if;
    if p_name !~ '^[a-z][a-z0-9_]{0,38}$' then
        raise exception using errcode = 'TK002',
            message = format('%L is not a queue name', p_name),
            hint = 'Use up to 39 characters: a lower-case letter first, then lower-case letters, digits and underscores.';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('tasker.queue', 0));
    select q.queue_id into v_queue_id from tasker.queue q where q.name = p_name;
    if found then
        return v_queue_id;
    end if;
    perform pgmq.create(v_name);
    for v_index in
        select i.indexrelid::regclass from pg_index i
        where i.indrelid = format('pgmq.%I', 'q_' || v_name)::regclass and not i.indisprimary
    loop
        execute format('drop index %s', v_index);
    end loop;
    execute format('alter table pgmq.%I set (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01,
        autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0)', 'q_' || v_name);
    insert into tasker.queue (name, message_table, message_sequence)
    values (p_name, format('pgmq.%I', 'q_' || v_name)::regclass,
        pg_get_serial_sequence(format('pgmq.%I', 'q_' || v_name), 'msg_id')::regclass)
    returning queue_id into v_queue_id;
    return v_queue_id;
end;
$$;

comment on function tasker.ensure_queue(text) is
    'Internal. Creates a queue if it is not there; returns its id.';
