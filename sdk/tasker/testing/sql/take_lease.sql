-- Takes a lease from its worker, as if it had run out and another worker, which died at once, had been granted the step.

create function tasker_testing.take_lease(queue_id integer, msg_id bigint) returns void
language plpgsql volatile
as $$
declare
    v_table regclass := (select q.message_table from tasker.queue q where q.queue_id = take_lease.queue_id);
begin
    execute format('update %s m set read_ct = m.read_ct + 1, vt = tasker_testing.clock_timestamp() where m.msg_id = $1',
        v_table) using take_lease.msg_id;
end;
$$;
