-- Creates a namespace, and its queue, if they are not there; returns the namespace's row. Internal.
-- Locks: as ensure_queue.

create or replace function tasker.ensure_namespace(p_name text) returns tasker.namespace
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_namespace tasker.namespace;
begin
    select n.* into v_namespace from tasker.namespace n where n.name = p_name;
    if found then
        return v_namespace;
    end if;
    if p_name is null or p_name !~ '^[a-zA-Z][a-zA-Z0-9_-]{0,28}$' then
        raise exception using errcode = 'TK002',
            message = format('%L is not a namespace name', p_name),
            hint = 'Use up to 29 characters: a letter first, then letters, digits, underscores and hyphens.';
    end if;
    insert into tasker.namespace (name, queue_id)
    values (p_name, tasker.ensure_queue(lower(replace(p_name, '-', '_'))))
    on conflict (name) do nothing;
    select n.* into v_namespace from tasker.namespace n where n.name = p_name;
    return v_namespace;
end;
$$;

comment on function tasker.ensure_namespace(text) is
    'Internal. Creates a namespace and its queue if they are not there; returns the namespace.';
