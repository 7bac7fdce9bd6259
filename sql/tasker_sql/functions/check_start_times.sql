-- Refuses a submission with a start time that is none, or that no timer could hold. Internal. Apart from
-- check_submission, because only an attempt shows whether PostgreSQL reads a text as a time.

create or replace function tasker.check_start_times(p_tasks jsonb) returns void
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_start text;
begin
    for v_start in select t.value ->> 'start_at' from jsonb_array_elements(p_tasks) as t
        where jsonb_typeof(t.value -> 'start_at') <> 'null'
    loop
        if v_start::timestamptz > '9999-12-31' or v_start::timestamptz = '-infinity' then
            raise datetime_field_overflow;
        end if;
    end loop;
exception when data_exception then
    raise exception using errcode = 'TK002', message = format('start_at %L is no time before the year 10000', v_start),
        hint = 'Write it as in 2030-01-31T12:00:00Z. Nothing was submitted.';
end;
$$;

comment on function tasker.check_start_times(jsonb) is
    'Internal. Raises TK002 when a start time of a submission cannot be used.';
