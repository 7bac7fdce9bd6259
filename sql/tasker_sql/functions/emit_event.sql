-- Emits an event, once for its key: a row, and a message in its queue, in the caller's transaction.
-- Locks: its row; another transaction that emits the same waits for the end of this one. Index: the unique one of the key.

create or replace function tasker.emit_event(
    namespace text, name text, key text, payload jsonb, queue text default null, task_id uuid default null,
    place text default null
) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_id uuid := tasker.uuidv7();
    v_queue text;
begin
    if (emit_event.name ~ '^[a-z][a-z0-9_]{0,62}$' and length(emit_event.key) > 0 and octet_length(emit_event.key) <= 1000
            and length(emit_event.namespace) between 1 and 255) is not true then
        raise exception using errcode = 'TK002', message = 'an event has a namespace, a name, and a key of 1 to 1,000 bytes',
            hint = 'A name has up to 63 characters: lower-case letters, digits and underscores. Nothing was emitted.';
    end if;
    v_queue := tasker.ensure_event_queue(coalesce(emit_event.queue, emit_event.name));
    insert into tasker.emitted_event (event_id, namespace, name, key, queue, payload, task_id, place)
    values (v_id, emit_event.namespace, emit_event.name, emit_event.key, coalesce(emit_event.queue, emit_event.name),
        coalesce(emit_event.payload, 'null'), emit_event.task_id, emit_event.place)
    on conflict on constraint emitted_event_namespace_name_key_key do nothing;
    if not found then
        select e.event_id into v_id from tasker.emitted_event e
        where e.namespace = emit_event.namespace and e.name = emit_event.name and e.key = emit_event.key;
        return json_build_object('event_id', v_id, 'emitted', false);
    end if;
    perform pgmq.send(v_queue, jsonb_build_object('event_id', v_id, 'namespace', emit_event.namespace,
        'name', emit_event.name, 'key', emit_event.key, 'payload', coalesce(emit_event.payload, 'null'),
        'task_id', emit_event.task_id, 'place', emit_event.place, 'emitted_at', tasker.utc_text(now())));
    return json_build_object('event_id', v_id, 'emitted', true);
end;
$$;

comment on function tasker.emit_event(text, text, text, jsonb, text, uuid, text) is
    'For workers. Emits an event into its queue (by default the one of its name), once for its namespace, name and key, in the '
    'caller''s transaction. Returns {event_id, emitted: false when it was emitted before}.';
