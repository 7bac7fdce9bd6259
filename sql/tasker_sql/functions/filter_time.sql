-- A time in a filter: a timestamp with its zone, or how long ago, such as 2d or 1h30m. Null stays null; what is neither is
-- refused. Internal. Reads nothing but its argument and the clock.

create or replace function tasker.filter_time(p_text text) returns timestamptz
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
begin
    if p_text ~ '^(\d+(\.\d+)?(ms|s|m|h|d|w))+$' then
        return now() - p_text::interval;
    end if;
    if p_text !~* '\d(z|[+-]\d\d(:?\d\d)?)$' then
        raise invalid_datetime_format;
    end if;
    return p_text::timestamptz;
exception when data_exception then
    raise exception using errcode = 'TK002', message = format('filter: %L is no time', p_text),
        hint = 'Write a timestamp with its time zone, as in 2030-01-31T12:00:00Z, or how long ago, as in 30m, 2d or 1h30m.';
end;
$$;

comment on function tasker.filter_time(text) is
    'Internal. A time in a filter.';
