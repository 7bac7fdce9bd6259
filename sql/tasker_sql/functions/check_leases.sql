-- Refuses leases of a heartbeat that cannot be read, naming the first, before anything is written. Internal. Reads nothing
-- but its argument.

create or replace function tasker.check_leases(p_leases jsonb) returns void
language plpgsql immutable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_sound boolean;
    v_what text;
begin
    begin
        select coalesce(bool_and(l.queue_id is not null and l.msg_id is not null and l.read_ct is not null and l.task_id is not null
            and l.step_no is not null), true) into v_sound
        from jsonb_to_recordset(p_leases) as l(queue_id integer, msg_id bigint, read_ct integer, task_id uuid, step_no integer);
    exception when data_exception then
        v_sound := false;
    end;
    if v_sound then
        return;
    end if;
    select format('lease %s: %s', l.n, f.what) into v_what
    from jsonb_array_elements(p_leases) with ordinality as l(value, n)
    cross join lateral tasker.find_place_fault(l.value) as f(what) where f.what is not null order by l.n limit 1;
    raise exception using errcode = 'TK002', message = coalesce(v_what, 'the leases cannot be read'),
        hint = 'A lease has the queue_id, msg_id, read_ct, task_id and step_no of its grant. No lease was extended.';
end;
$$;

comment on function tasker.check_leases(jsonb) is
    'Internal. Raises TK002 when a heartbeat''s leases cannot be read.';
