-- Writes the tasks, their steps, their first messages and their timers. Internal: the second half of submit_tasks.
-- Locks: none that another transaction could hold. Index: step_definition (template_id, step_no).

create or replace function tasker.create_tasks(p_template tasker.template, p_tasks jsonb, p_ids uuid[], p_created boolean[])
returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_roots integer;
    v_later boolean[];
    v_queues integer[];
    v_messages bigint[];
    v_tasks uuid[];
    v_steps integer[];
    v_limited boolean;
    v_priorities smallint[];
begin
    select count(*), coalesce(bool_or(d.step_time_limit is not null), false) into v_roots, v_limited
    from tasker.step_definition d where d.template_id = p_template.template_id and d.parents = 0 and d.initial;

    with new as (
        insert into tasker.task (task_id, template_id, live, state, priority, start_at, correlation_id, idempotency_key,
            tags, trace_context, context, input)
        select p_ids[t.ordinality], p_template.template_id,
            case when s.later then 0 else v_roots end,
            case when s.later then 'pending' else 'in_progress' end::tasker.task_state,
            coalesce((t.value ->> 'priority')::smallint, 0), s.start_at, (t.value ->> 'correlation_id')::uuid,
            t.value ->> 'idempotency_key',
            case when jsonb_typeof(t.value -> 'tags') = 'array'
                then array(select jsonb_array_elements_text(t.value -> 'tags')) else '{}' end,
            nullif(t.value -> 'trace_context', 'null'), coalesce(nullif(t.value -> 'context', 'null'), '{}'),
            coalesce(t.value -> 'input', '{}')
        from jsonb_array_elements(p_tasks) with ordinality as t
        cross join lateral (select (t.value ->> 'start_at')::timestamptz as start_at,
            coalesce((t.value ->> 'start_at')::timestamptz > now(), false) as later) as s
        where p_created[t.ordinality]
        returning task_id, state, start_at
    )
    insert into tasker.timer (fire_at, task_id, step_no, kind)
    select n.start_at, n.task_id, 0, 'task_start'::tasker.timer_kind from new n where n.state = 'pending'
    union all
    select greatest(now(), n.start_at) + p_template.time_limit, n.task_id, 0, 'task_time_limit' from new n
    where p_template.time_limit is not null;

    if p_tasks @? '$[*].start_at ? (@ != null)' then
        select array_agg((t.value ->> 'start_at')::timestamptz > now() order by t.ordinality) into v_later
        from jsonb_array_elements(p_tasks) with ordinality as t;
    end if;

    if p_tasks @? '$[*].priority ? (@ > 0 || @ < 0)' then
        select array_agg(nullif((t.value ->> 'priority')::smallint, 0) order by t.ordinality) into v_priorities
        from jsonb_array_elements(p_tasks) with ordinality as t;
        perform tasker.open_priorities(p_template.template_id, array_remove(v_priorities, null));
    end if;

    with new as (
        insert into tasker.step (task_id, step_no, definition_id, waiting_on, state, attempt_limit, msg_id, enqueued_at, priority)
        select t.id, d.step_no, d.definition_id, d.parents,
            case when r.ready then 'enqueued' else 'pending' end::tasker.step_state, d.max_attempts,
            case when r.ready then tasker.next_message(q.message_sequence, v_priorities[t.n]) end,
            case when r.ready then now() end, v_priorities[t.n]
        from unnest(p_ids, p_created) with ordinality as t(id, created, n)
        join tasker.step_definition d on d.template_id = p_template.template_id and d.initial
        join tasker.queue q using (queue_id)
        cross join lateral (select d.parents = 0 and v_later[t.n] is not true as ready) as r
        where t.created
        returning task_id, step_no, definition_id, msg_id
    )
    select array_agg(d.queue_id), array_agg(n.msg_id), array_agg(n.task_id), array_agg(n.step_no)
    into v_queues, v_messages, v_tasks, v_steps
    from new n join tasker.step_definition d using (definition_id) where n.msg_id is not null;

    if v_tasks is not null then
        if v_limited then
            perform tasker.start_step_clocks(v_tasks, v_steps);
        end if;
        perform tasker.send_messages(v_queues, v_messages, v_tasks, v_steps);
        perform tasker.wake_workers(v_queues);
    end if;
    if p_template.paused then
        perform tasker.hold_tasks(array(select t.id from unnest(p_ids, p_created) as t(id, created) where t.created));
    end if;
end;
$$;

comment on function tasker.create_tasks(tasker.template, jsonb, uuid[], boolean[]) is
    'Internal. Writes new tasks with their steps, first messages and timers.';
