-- Lets up to `p_most` messages of one lane out of line, as far as all of its limits have room; what counts tasks lets one out at a
-- time. `p_full` are limits and keys that are known to have none. Returns what came out, whether more could, what has no room,
-- and when to ask again. Internal: part of admit.
-- Locks: an advisory lock for each limit's key; the task that is given its place; both tried and not waited for. A message
-- whose step moves on meanwhile is dead, and its claim drops it; dead ones in front go 1,000 at a time. Index: line's primary key; asking for a range of
-- one lane, and deleting by ctid (rows are never updated), keeps the planner from walking the line, which it has no statistics of.

create or replace function tasker.admit_lane(
    p_queue tasker.queue, p_class smallint, p_lane bigint, p_most integer, p_full text[],
    out messages bigint[], out tasks uuid[], out steps integer[], out since timestamptz[],
    out more boolean, out now_full text[], out again double precision
) returns record
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_first tasker.line;
    v_gate record;
    v_room record;
    v_most integer := p_most;
    v_tasks boolean := false;
    v_popped integer;
    v_gated boolean := false;
begin
    more := false;
    for v_try in 1 .. 2 loop
        select l.* into v_first from tasker.line l
        where l.queue_id = p_queue.queue_id and l.class = p_class and l.lane between p_lane and p_lane
        order by l.lane, l.msg_id limit 1;
        exit when exists (select from tasker.step s where s.task_id = v_first.task_id and s.step_no = v_first.step_no
            and s.msg_id = v_first.msg_id and s.state = 'enqueued');
        delete from tasker.line l where l.ctid = any (array(
            select h.ctid from (
                select f.ctid, f.task_id, f.step_no, f.msg_id from tasker.line f
                where f.queue_id = p_queue.queue_id and f.class = p_class and f.lane between p_lane and p_lane
                order by f.lane, f.msg_id limit 1000) as h
            where not exists (select from tasker.step s where s.task_id = h.task_id and s.step_no = h.step_no
                and s.msg_id = h.msg_id and s.state = 'enqueued')));
    end loop;
    if v_first.msg_id is null then
        return;
    end if;
    if p_queue.limit_id <> all (v_first.limit_ids) then -- it was set when this stood in line already
        v_first.limit_ids := v_first.limit_ids || p_queue.limit_id;
        v_first.keys := v_first.keys || ''::text;
    end if;
    for v_gate in
        select f as "limit", g.key, f.limit_id || '/' || g.key as name
        from unnest(v_first.limit_ids, v_first.keys) as g(limit_id, key) join tasker.flow_limit f using (limit_id)
        where f.concurrency is not null or f.rate is not null order by g.limit_id
    loop
        if v_gate.name = any (p_full) then
            return;
        end if;
        if not pg_try_advisory_xact_lock(hashtextextended('tasker.limit/' || v_gate.name, 0)) then
            again := 0.01;
            return;
        end if;
        v_room := tasker.measure_room(v_gate.limit, v_gate.key);
        if v_room.room <= 0 then
            now_full := array[v_gate.name];
            again := v_room.again;
            return;
        end if;
        v_gated := true;
        v_tasks := v_tasks or (v_gate.limit).unit = 'task';
        v_most := least(v_most, v_room.room, case when v_tasks then 1 end);
    end loop;
    if v_tasks then
        perform from tasker.task t where t.task_id = v_first.task_id for no key update skip locked;
        if not found and exists (select from tasker.task t where t.task_id = v_first.task_id) then
            again := 0.01;
            return;
        end if;
    end if;
    with gone as (
        delete from tasker.line l where l.ctid = any (array(
            select h.ctid from tasker.line h
            where h.queue_id = p_queue.queue_id and h.class = p_class and h.lane between p_lane and p_lane
                and h.msg_id >= v_first.msg_id
            order by h.lane, h.msg_id limit v_most))
        returning l.msg_id, l.task_id, l.step_no, l.enqueued_at
    ), alive as (
        select g.* from gone g join tasker.step s on s.task_id = g.task_id and s.step_no = g.step_no
        where s.msg_id = g.msg_id and s.state = 'enqueued'
    )
    select (select count(*) from gone), array_agg(a.msg_id order by a.msg_id), array_agg(a.task_id order by a.msg_id),
        array_agg(a.step_no order by a.msg_id), array_agg(a.enqueued_at order by a.msg_id)
    into v_popped, messages, tasks, steps, since from alive a;
    more := v_popped >= v_most;
    if v_gated and messages is not null then
        perform tasker.take_places(v_first.limit_ids, v_first.keys, messages, tasks, steps);
    end if;
end;
$$;

comment on function tasker.admit_lane(tasker.queue, smallint, bigint, integer, text[]) is
    'Internal. Lets messages of one lane out of line, as far as all of its limits have room.';
