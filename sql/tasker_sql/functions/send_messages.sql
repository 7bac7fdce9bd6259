-- Puts messages with given ids into pgmq's tables, one insert per queue; those of a limited queue stand in line first. Internal. Locks: none.
-- The ids were taken from the queue's own sequence, so that a step's row knows its message without a second update.
-- What nobody holds can be claimed whatever the clock says: it may have been set back since.

create or replace function tasker.send_messages(p_queues integer[], p_messages bigint[], p_tasks uuid[], p_steps integer[])
returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_queue tasker.queue;
begin
    for v_queue in select q.* from tasker.queue q where q.queue_id = any (p_queues) order by q.queue_id loop
        if v_queue.limited then
            perform tasker.stand_in_line(v_queue, array_agg(m.msg_id), array_agg(m.task_id), array_agg(m.step_no))
            from unnest(p_queues, p_messages, p_tasks, p_steps) as m(queue_id, msg_id, task_id, step_no)
            where m.queue_id = v_queue.queue_id;
            continue;
        end if;
        execute format('insert into %s (msg_id, read_ct, enqueued_at, vt, message) overriding system value
            select m.msg_id, 0, now(), ''-infinity'', jsonb_build_object(''task_id'', m.task_id, ''step_no'', m.step_no)
            from unnest($1, $2, $3, $4) as m(queue_id, msg_id, task_id, step_no)
            where m.queue_id = $5 order by m.msg_id', v_queue.message_table)
        using p_queues, p_messages, p_tasks, p_steps, v_queue.queue_id;
    end loop;
end;
$$;

comment on function tasker.send_messages(integer[], bigint[], uuid[], integer[]) is
    'Internal. Puts messages with given ids into the queues.';
