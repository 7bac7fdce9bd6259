-- When the last of the leases runs out; null when there is none. Asked while no worker holds one, so what it finds was
-- left by a worker that died.

create function tasker_testing.lease_end() returns timestamptz
language plpgsql volatile
as $$
declare
    v_query text;
    v_end timestamptz;
begin
    select string_agg(format('select max(m.vt) from %s m where m.vt > tasker_testing.clock_timestamp()', q.message_table),
        ' union all ')
    into v_query from tasker.queue q;
    if v_query is not null then
        execute format('select max(found.at) from (%s) as found(at)', v_query) into v_end;
    end if;
    return v_end;
end;
$$;
