-- Refuses an age and a number of rows with which nothing can be pruned. Internal. Reads nothing but its arguments.

create or replace function tasker.check_pruning(p_older_than interval, p_max_rows integer) returns void
language plpgsql immutable
set search_path = pg_catalog, tasker, pg_temp
as $$
begin
    if (p_max_rows > 0 and p_older_than between interval '-1000 years' and interval '1000 years') is not true then
        raise exception using errcode = 'TK002',
            message = format('what is pruned has an age, of at most 1,000 years, not %s, and is at least one row at a time, not %s',
                coalesce(p_older_than::text, 'null'), coalesce(p_max_rows::text, 'null')),
            hint = 'Give max_rows as 1 or more. Nothing was deleted.';
    end if;
end;
$$;

comment on function tasker.check_pruning(interval, integer) is
    'Internal. Raises TK002 when nothing can be pruned so.';
