-- Creates the queue of an event if it is not there, and returns pgmq's name of it. Internal: called while emitting.
-- Locks: an advisory lock while a queue is created, held to the end of the transaction.

create or replace function tasker.ensure_event_queue(p_queue text) returns text
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_name text := 'event_' || p_queue;
begin
    if (p_queue ~ '^[a-z][a-z0-9_]{0,39}$') is not true then
        raise exception using errcode = 'TK002', message = format('%L is not a queue name', p_queue),
            hint = 'Use up to 40 characters: a lower-case letter first, then lower-case letters, digits and underscores.';
    end if;
    if to_regclass(format('pgmq.%I', 'q_' || v_name)) is null then
        perform pg_advisory_xact_lock(hashtextextended('tasker.event_queue', 0));
        if to_regclass(format('pgmq.%I', 'q_' || v_name)) is null then
            perform pgmq.create(v_name);
        end if;
    end if;
    return v_name;
end;
$$;

comment on function tasker.ensure_event_queue(text) is
    'Internal. Creates the queue of an event if it is not there; returns pgmq''s name of it.';
