-- Notes that messages have come out of line: the places that they use, and that they start now. A task that is given its place
-- has it for all of its steps: those that stand in line do so without that limit from then on. Internal: part of admit_lane.
-- Locks: the caller holds the keys' advisory locks and the tasks that are given a place. Index: the primary keys, line_message.

create or replace function tasker.take_places(
    p_limit_ids integer[], p_keys text[], p_messages bigint[], p_tasks uuid[], p_steps integer[]
) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_moved record;
begin
    insert into tasker.permit as p (limit_id, key, task_id, step_no, msg_id)
    select distinct on (f.limit_id, g.key, m.task_id, k.step_no) f.limit_id, g.key, m.task_id, k.step_no, k.msg_id
    from unnest(p_limit_ids, p_keys) as g(limit_id, key) join tasker.flow_limit f using (limit_id)
    cross join unnest(p_messages, p_tasks, p_steps) as m(msg_id, task_id, step_no)
    cross join lateral (select case f.unit when 'step' then m.step_no else 0 end as step_no,
        case f.unit when 'step' then m.msg_id end as msg_id) as k
    where f.concurrency is not null or f.unit = 'task' and f.rate is not null
    on conflict (limit_id, key, task_id, step_no) do update set msg_id = excluded.msg_id;

    insert into tasker.start (limit_id, key, over_at, count)
    select f.limit_id, g.key, clock_timestamp() + f.period, cardinality(p_messages)
    from (select distinct u.limit_id, u.key from unnest(p_limit_ids, p_keys) as u(limit_id, key)) as g
    join tasker.flow_limit f using (limit_id)
    where f.rate is not null;

    if exists (select from tasker.flow_limit f where f.limit_id = any (p_limit_ids) and f.unit = 'task'
            and (f.concurrency is not null or f.rate is not null)) then
        with gone as (
            delete from tasker.line l using tasker.step s, tasker.step_definition d
            where s.task_id = any (p_tasks) and s.state = 'enqueued' and d.definition_id = s.definition_id
                and l.queue_id = d.queue_id and l.msg_id = s.msg_id
            returning l.queue_id, l.msg_id, l.task_id, l.step_no)
        select array_agg(g.queue_id) as queues, array_agg(g.msg_id) as messages, array_agg(g.task_id) as tasks,
            array_agg(g.step_no) as steps into v_moved from gone g;
        perform tasker.send_messages(v_moved.queues, v_moved.messages, v_moved.tasks, v_moved.steps);
    end if;
end;
$$;

comment on function tasker.take_places(integer[], text[], bigint[], uuid[], integer[]) is
    'Internal. Notes that messages have come out of line: the places that they use, and that they start now.';
