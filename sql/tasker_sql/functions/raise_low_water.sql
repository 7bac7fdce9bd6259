-- Raises a queue's low-water mark: no message below it is there or can still appear, so that a claim starts there instead
-- of stepping over dead rows that an old snapshot elsewhere keeps from being vacuumed. A message's id is taken before its
-- transaction commits. So the sequence's position is put down with the newest transaction id of that moment; once no
-- transaction of that moment runs any more, every message below that position is visible or will never be, and the mark
-- may rise to it, or to the first message that is there. Internal. Locks: the queue's row.

create or replace function tasker.raise_low_water(p_queue_id integer) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_queue tasker.queue;
    v_first bigint;
    v_position bigint;
begin
    select q.* into v_queue from tasker.queue q where q.queue_id = p_queue_id for no key update skip locked;
    if not found or pg_snapshot_xmin(pg_current_snapshot()) < v_queue.low_water_xid then
        return;
    end if;
    execute format('select (select m.msg_id from %s m where m.msg_id >= $1 order by m.msg_id limit 1),
            (select s.last_value from %s s)', v_queue.message_table, v_queue.message_sequence)
    into v_first, v_position using v_queue.low_water;
    if v_position > v_queue.low_water_next or v_queue.low_water_next > v_queue.low_water then
        update tasker.queue q
        set low_water = greatest(q.low_water, least(q.low_water_next, v_first)), low_water_next = v_position,
            low_water_xid = pg_snapshot_xmax(pg_current_snapshot())
        where q.queue_id = p_queue_id;
    end if;
end;
$$;

comment on function tasker.raise_low_water(integer) is
    'Internal. Raises a queue''s low-water mark.';
