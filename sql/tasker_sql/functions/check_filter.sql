-- Refuses a filter that is none. Internal. Reads nothing but its argument and the clock.

create or replace function tasker.check_filter(p_filter jsonb) returns void
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_fault text := tasker.find_filter_fault(p_filter);
begin
    if v_fault is not null then
        raise exception using errcode = 'TK002', message = v_fault,
            hint = 'As text: state=error template=shop/order created>2d. As an object: {"state": ["error"], "template": "shop/order", '
                '"created": {"after": "2d"}}.';
    end if;
    perform tasker.filter_times(p_filter -> w.name) from unnest('{created,started,completed}'::text[]) as w(name);
end;
$$;

comment on function tasker.check_filter(jsonb) is
    'Internal. Raises TK002 for a filter that is none.';
