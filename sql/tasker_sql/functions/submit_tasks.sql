-- Submits many tasks of one template: tasks, steps, first messages and timers, each in one set-based insert.
-- Locks: idempotency keys in key order; nothing else that another transaction could hold.

create or replace function tasker.submit_tasks(
    namespace text, template text, tasks jsonb, version text default null, on_conflict text default 'reject'
) returns table (ordinal integer, task_id uuid, created boolean)
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
set plan_cache_mode = force_generic_plan
set random_page_cost = 0.1
set cpu_tuple_cost = 1
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
#variable_conflict use_column
declare
    v_template tasker.template := tasker.find_template(submit_tasks.namespace, submit_tasks.template, submit_tasks.version);
    v_tasks jsonb := submit_tasks.tasks;
    v_ids uuid[];
    v_created boolean[];
begin
    perform tasker.check_submission(v_tasks, submit_tasks.on_conflict);
    select array_agg(tasker.uuidv7()), array_agg(true) into v_ids, v_created from jsonb_array_elements(v_tasks);
    if v_tasks @? '$[*].idempotency_key ? (@ != null)' then
        select k.ids, k.created into v_ids, v_created
        from tasker.take_idempotency_keys(v_template, v_tasks, v_ids, submit_tasks.on_conflict) as k;
    end if;
    perform tasker.create_tasks(v_template, v_tasks, v_ids, v_created);
    return query select r.ordinal::integer, r.id, r.created
        from unnest(v_ids, v_created) with ordinality as r(id, created, ordinal) order by r.ordinal;
end;
$$;

comment on function tasker.submit_tasks(text, text, jsonb, text, text) is
    'Submits up to 10,000 tasks of one template at once, all or none. tasks is an array of objects with the keys input, '
    'idempotency_key, priority, correlation_id, tags, trace_context, start_at, context (all optional; as in submit_task). '
    'Returns a row per task in their order: its id, and whether this call created it.';
