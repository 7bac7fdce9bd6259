-- Puts messages of a limited queue in line. What a task has its place for already, as it counts once, its steps do not wait for
-- again. Nothing is locked: whoever comes at the same time stands in line as well. A key that no step's item takes part in is
-- looked for once for all steps of a definition in a task, because a batch may have 100,000. Internal.
-- Locks: none; the caller holds the tasks', so that none of them is given its place meanwhile (admit_lane). Index: permit_task,
-- the primary keys.

create or replace function tasker.stand_in_line(p_queue tasker.queue, p_messages bigint[], p_tasks uuid[], p_steps integer[])
returns void
language sql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
    with alike as (
        select m.task_id, s.definition_id, array_agg(m.msg_id) as messages, array_agg(m.step_no) as steps
        from unnest(p_messages, p_tasks, p_steps) as m(msg_id, task_id, step_no) join tasker.step s using (task_id, step_no)
        group by m.task_id, s.definition_id
    ), limited as materialized (
        select a.*, t.input, t.context, k.limit_ids, k.paths, k.keys
        from alike a join tasker.step_definition d using (definition_id) join tasker.task t on t.task_id = a.task_id
        cross join lateral (
            select array_agg(l.limit_id order by l.n) as limit_ids, array_agg(l.path order by l.n) as paths,
                array_agg(case when replace(l.path, '$context', '') ~ '\$[^]\s.[?()*+/%<>=!&|,-]' then null
                    else tasker.find_limit_key(l.path, t.input, t.context, null) end order by l.n) as keys
            from unnest(d.limit_ids || p_queue.limit_id, d.limit_keys || null::text) with ordinality as l(limit_id, path, n)
            where l.limit_id is not null) as k
    )
    insert into tasker.line (queue_id, class, lane, msg_id, task_id, step_no, limit_ids, keys, enqueued_at)
    select p_queue.queue_id, m.msg_id >> 50, hashtextextended(k.limit_ids::text || k.keys::text, 0), m.msg_id, a.task_id, m.step_no,
        k.limit_ids, k.keys, now()
    from limited a
    cross join lateral unnest(a.messages, a.steps) as m(msg_id, step_no)
    cross join lateral (
        select coalesce(array_agg(c.limit_id order by c.n), '{}') as limit_ids, coalesce(array_agg(c.key order by c.n), '{}') as keys
        from (
            select l.limit_id, l.n, coalesce(l.key, tasker.find_limit_key(l.path, a.input, a.context,
                (select s.input from tasker.step s where s.task_id = a.task_id and s.step_no = m.step_no))) as key
            from unnest(a.limit_ids, a.paths, a.keys) with ordinality as l(limit_id, path, key, n)
        ) as c
        join tasker.flow_limit f using (limit_id)
        where f.unit = 'step' or not exists (select from tasker.permit p
            where p.limit_id = c.limit_id and p.key = c.key and p.task_id = a.task_id and p.step_no = 0)
    ) as k
    order by m.msg_id
$$;

comment on function tasker.stand_in_line(tasker.queue, bigint[], uuid[], integer[]) is
    'Internal. Puts messages of a limited queue in line.';
