-- Lets as many messages of one class of a limited queue out of line as are wanted now and not there yet, so that they are
-- claimed in the same transaction. Lanes take turns: the one whose last turn is the longest ago comes first, and each gets
-- its share of what is wanted. Of more than 200 lanes it looks at 200, from a random one on. Returns in how many seconds
-- it is worth asking again, where only time is in the way, or another worker. Internal: part of an exchange.
-- Locks: an advisory lock for the queue's line, tried and not waited for, and what admit_lane locks. It waits for nobody.
-- Index: line's primary key.

create or replace function tasker.admit(p_queue tasker.queue, p_mark bigint, p_want integer) returns double precision
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_class smallint := p_mark >> 50;
    v_start bigint := (random() * 18446744073709551615 - 9223372036854775808)::numeric;
    v_there integer;
    v_left integer;
    v_share integer;
    v_lanes bigint[];
    v_more bigint[];
    v_lane bigint;
    v_got record;
    v_full text[] := '{}';
    v_served bigint[] := '{}';
    v_again double precision;
    v_messages bigint[] := '{}';
    v_tasks uuid[] := '{}';
    v_steps integer[] := '{}';
    v_since timestamptz[] := '{}';
begin
    if not exists (select from tasker.line l where l.queue_id = p_queue.queue_id and l.class = v_class) then
        return null;
    end if;
    execute format('select count(*) from (select from %s m where m.msg_id between $1 and $1 | 1125899906842623
        and m.vt <= clock_timestamp() limit $2) as k', p_queue.message_table) into v_there using p_mark, p_want;
    v_left := p_want - v_there;
    if v_left <= 0 then
        return null;
    end if;
    if not pg_try_advisory_xact_lock(hashtextextended('tasker.line', p_queue.queue_id)) then
        return 0.01;
    end if;
    v_lanes := tasker.find_lanes(p_queue.queue_id, v_class, v_start, 200);
    if cardinality(v_lanes) < 200 then
        select array_agg(distinct f.lane) into v_lanes from unnest(v_lanes || tasker.find_lanes(
            p_queue.queue_id, v_class, -9223372036854775808, 200 - cardinality(v_lanes))) as f(lane);
    end if;
    select array_agg(f.lane order by t.served_at nulls first, f.lane) into v_lanes
    from unnest(v_lanes) as f(lane)
    left join tasker.lane t on t.queue_id = p_queue.queue_id and t.lane = f.lane;
    if v_lanes is null then
        return null;
    end if;
    for v_round in 1 .. 20 loop
        v_more := '{}';
        v_share := greatest(v_left / cardinality(v_lanes), 1);
        foreach v_lane in array v_lanes loop
            exit when v_left <= 0;
            v_got := tasker.admit_lane(p_queue, v_class, v_lane, least(v_share, v_left), v_full);
            v_left := v_left - coalesce(cardinality(v_got.messages), 0);
            v_messages := v_messages || v_got.messages;
            v_tasks := v_tasks || v_got.tasks;
            v_steps := v_steps || v_got.steps;
            v_since := v_since || v_got.since;
            v_full := v_full || v_got.now_full;
            v_again := least(v_again, v_got.again);
            if v_got.messages is not null then
                v_served := array_remove(v_served, v_lane) || v_lane;
            end if;
            if v_got.more then
                v_more := v_more || v_lane;
            end if;
        end loop;
        v_lanes := v_more;
        exit when v_left <= 0 or v_lanes = '{}';
    end loop;
    execute format('insert into %s (msg_id, read_ct, enqueued_at, vt, message) overriding system value
        select m.msg_id, 0, m.since, ''-infinity'', jsonb_build_object(''task_id'', m.task_id, ''step_no'', m.step_no)
        from unnest($1, $2, $3, $4) as m(msg_id, task_id, step_no, since)', p_queue.message_table)
    using v_messages, v_tasks, v_steps, v_since;
    insert into tasker.lane as t (queue_id, lane, served_at)
    select p_queue.queue_id, v.lane, clock_timestamp() + v.n * interval '1 microsecond'
    from unnest(v_served) with ordinality as v(lane, n)
    on conflict (queue_id, lane) do update set served_at = excluded.served_at;
    return case when v_left > 0 and v_lanes <> '{}' then 0 when v_again is not null then greatest(v_again, 0.001) end;
end;
$$;

comment on function tasker.admit(tasker.queue, bigint, integer) is
    'Internal. Lets messages of a limited queue out of line, as many as are wanted; returns when to ask again, in seconds.';
