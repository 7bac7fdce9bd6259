-- The backstop: enqueues again what should be in a queue and is not, such as after messages were purged by hand, and
-- starts what is ready although nothing enqueued it. In a healthy database it finds nothing. Looks only at steps that
-- were enqueued a minute ago or longer, so that it does not race with work in hand.
-- Each step is looked at once, however many queues there are, so that tasks which wait cost little.
-- Walks open tasks from `after` on, a page at a time; returns where to go on (null: done). Index: task_open.
-- Tasks that have missed a pause of their template are put right as well (settle_template_pauses).
-- Locks: the tasks that need mending, by id, skipping those held; then their steps.

create or replace function tasker.rescue(after uuid default null, max_rows integer default 1000) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    v_page uuid[];
    v_queue tasker.queue;
    v_tasks uuid[];
    v_steps integer[];
    v_queued_tasks uuid[];
    v_queued_steps integer[];
    v_more_tasks uuid[];
    v_more_steps integer[];
    v_rescued integer := 0;
begin
    if (rescue.max_rows > 0) is not true then
        raise exception using errcode = 'TK002', message = 'rescue takes at least one row at a time', hint = 'Give max_rows as 1 or more. Nothing was changed.';
    end if;
    select array_agg(p.task_id) into v_page from (
        select t.task_id from tasker.task t
        where t.state in ('in_progress', 'waiting', 'paused')
            and t.task_id > coalesce(rescue.after, '00000000-0000-0000-0000-000000000000')
        order by t.task_id limit rescue.max_rows) as p;
    if v_page is null then
        return json_build_object('rescued', 0, 'next', null);
    end if;
    perform tasker.settle_template_pauses(v_page);
    select array_agg(s.task_id) filter (where k.queued), array_agg(s.step_no) filter (where k.queued),
        array_agg(s.task_id) filter (where not k.queued), array_agg(s.step_no) filter (where not k.queued)
    into v_queued_tasks, v_queued_steps, v_tasks, v_steps
    from tasker.step s cross join lateral (select s.state in ('enqueued', 'in_progress') as queued) as k
    where s.task_id = any (v_page) and (k.queued and s.enqueued_at < now() - interval '1 minute'
        or s.state = 'pending' and s.waiting_on = 0
            and not exists (select from tasker.task p where p.task_id = s.task_id and p.state = 'paused')
        or s.state = 'waiting_for_retry' and not exists (select from tasker.timer t
            where t.task_id = s.task_id and t.step_no = s.step_no and t.kind = 'retry'));
    for v_queue in
        select q.* from tasker.queue q where v_queued_tasks is not null order by q.queue_id
    loop
        execute format('select array_agg(s.task_id), array_agg(s.step_no)
            from unnest($1, $2) as r(task_id, step_no)
            join tasker.step s using (task_id, step_no) join tasker.step_definition d using (definition_id)
            where d.queue_id = $3 and not exists (select from %s m where m.msg_id = s.msg_id)
                and not exists (select from tasker.line l where l.queue_id = $3 and l.msg_id = s.msg_id)', v_queue.message_table)
        into v_more_tasks, v_more_steps using v_queued_tasks, v_queued_steps, v_queue.queue_id;
        v_tasks := v_tasks || v_more_tasks;
        v_steps := v_steps || v_more_steps;
    end loop;
    if cardinality(v_tasks) > 0 then
        v_rescued := tasker.rescue_steps(v_tasks, v_steps);
    end if;
    return json_build_object('rescued', v_rescued,
        'next', case when cardinality(v_page) = rescue.max_rows then v_page[rescue.max_rows] end);
end;
$$;

comment on function tasker.rescue(uuid, integer) is
    'Maintenance. The backstop: enqueues again what is ready but in no queue, among up to max_rows open tasks after the '
    'given one. Returns {rescued, next: where to go on, or null}.';
