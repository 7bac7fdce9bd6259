-- Refuses the start of a child task that is malformed, before anything is written. What a submission refuses, it refuses.
-- Internal. Reads nothing but its arguments.

create or replace function tasker.check_child(p_name text, p_child jsonb, p_on_parent_end text) returns void
language plpgsql immutable
set search_path = pg_catalog, tasker, pg_temp
as $$
begin
    if coalesce(length(p_name), 0) not between 1 and 255 then
        raise exception using errcode = 'TK002', message = 'a child task''s name has 1 to 255 characters',
            hint = 'Nothing was started.';
    end if;
    if jsonb_typeof(p_child) is distinct from 'object'
        or jsonb_typeof(p_child -> 'namespace') is distinct from 'string'
        or jsonb_typeof(p_child -> 'template') is distinct from 'string' then
        raise exception using errcode = 'TK002', message = 'a child task is an object with a namespace and a template',
            hint = 'Nothing was started.';
    end if;
    if p_on_parent_end is null or p_on_parent_end not in ('cancel', 'leave') then
        raise exception using errcode = 'TK002', message = format('on_parent_end is %L', p_on_parent_end),
            hint = 'It is cancel or leave. Nothing was started.';
    end if;
end;
$$;

comment on function tasker.check_child(text, jsonb, text) is
    'Internal. Raises TK002 when the start of a child task is malformed.';
