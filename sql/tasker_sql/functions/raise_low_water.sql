-- Raises a queue's low-water marks, one for each class of priority: no message of the class below it is there or can still
-- appear, so that a claim starts there instead of stepping over dead rows that an old snapshot elsewhere keeps from being
-- vacuumed. A message's id is taken before its transaction commits, and after that transaction has its own id (everything
-- that takes one has locked or written a row). So the sequence's position is read first, and put down with a transaction id
-- that was given out after that: once no transaction before that id runs that has drawn from the sequence, each message up
-- to that position is visible or will never be, and the mark may rise to it, or to the first message that is there, or in
-- line. Who has drawn holds a lock on the sequence to its end; one that has not, an idle one above all, holds nothing up,
-- however old it is. An id ahead of this server's own comes from the dump of another one, and means nothing.
-- Internal: part of upkeep. Locks: the queue's row, skipping it when held.

create or replace function tasker.raise_low_water(p_queue_id integer, p_position bigint) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_queue tasker.queue;
    v_marks bigint[];
begin
    select q.* into v_queue from tasker.queue q where q.queue_id = p_queue_id for no key update skip locked;
    if not found then
        return;
    end if;
    v_marks := v_queue.low_water;
    if v_queue.low_water_xid <= pg_current_xact_id() then
        perform from pg_locks s left join pg_locks x on x.virtualtransaction = s.virtualtransaction
            and x.locktype = 'transactionid' and x.mode = 'ExclusiveLock' and x.granted
        where s.locktype = 'relation' and s.relation = v_queue.message_sequence and s.mode = 'RowExclusiveLock'
            and s.database = (select d.oid from pg_database d where d.datname = current_database())
            and (x.transactionid is null or age(x.transactionid) > age(v_queue.low_water_xid::xid));
        if found then
            return;
        end if;
        execute format('select array_agg(greatest(w.mark, least((w.mark >> 50 << 50) + $2, (
                select m.msg_id from %s m where m.msg_id between w.mark and w.mark | 1125899906842623
                order by m.msg_id limit 1), (
                select l.msg_id from tasker.line l
                where l.queue_id = $3 and l.msg_id between w.mark and w.mark | 1125899906842623
                order by l.msg_id limit 1))) order by w.mark)
            from unnest($1) as w(mark)', v_queue.message_table)
        into v_marks using v_queue.low_water, v_queue.low_water_next, p_queue_id;
    end if;
    update tasker.queue q
    set low_water = v_marks, low_water_next = p_position, low_water_xid = pg_current_xact_id()
    where q.queue_id = p_queue_id and (v_marks, p_position) is distinct from (v_queue.low_water, v_queue.low_water_next);
end;
$$;

comment on function tasker.raise_low_water(integer, bigint) is
    'Internal. Raises a queue''s low-water mark; the position is its sequence''s, read before this transaction had an id.';
