-- Creates a limit that a definition names, or gives it the numbers that the definition says. Returns its id. Internal: part of
-- registering a template. Locks: the limit's row.

create or replace function tasker.ensure_limit(p_name text, p_limit jsonb) returns integer
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_unit text := coalesce(p_limit ->> 'unit', 'step');
    v_limit tasker.flow_limit;
begin
    insert into tasker.flow_limit as f (name, unit, concurrency, rate, period)
    values (p_name, v_unit, (p_limit ->> 'concurrency')::integer, (p_limit ->> 'rate')::integer,
        tasker.seconds(p_limit -> 'period'))
    on conflict (name) do update
    set concurrency = excluded.concurrency, rate = excluded.rate, period = excluded.period
    returning f.* into v_limit;
    if v_limit.unit <> v_unit then
        raise exception using errcode = 'TK003',
            message = format('limit %s counts %ss, not %ss', p_name, v_limit.unit, v_unit),
            hint = 'What a limit counts never changes: give this one another name.';
    end if;
    return v_limit.limit_id;
end;
$$;

comment on function tasker.ensure_limit(text, jsonb) is
    'Internal. Creates a limit that a definition names, or gives it the definition''s numbers; returns its id.';
