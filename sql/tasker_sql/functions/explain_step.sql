-- Why a step is not running, or where it runs. Reads only. Index: the primary keys.

create or replace function tasker.explain_step(task_id uuid, step_name text) returns json
language plpgsql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_step tasker.step := tasker.find_step(explain_step.task_id, explain_step.step_name);
    v_task tasker.task;
    v_queue tasker.queue;
    v_parents jsonb;
    v_workers integer;
    v_lease_until timestamptz;
    v_depth bigint;
    v_retry_at timestamptz;
    v_worker text;
begin
    select t.* into v_task from tasker.task t where t.task_id = v_step.task_id;
    select q.* into v_queue from tasker.step_definition d join tasker.queue q using (queue_id)
    where d.definition_id = v_step.definition_id;
    select jsonb_agg(jsonb_build_object('step', w.name, 'state', w.state) order by w.step_no) into v_parents
    from (select p.step_no, tasker.step_name(d.name, p.instance) as name, p.state
        from tasker.step p join tasker.step_definition d using (definition_id)
        where p.task_id = v_step.task_id and p.state not in ('complete', 'resolved_manually', 'tolerated')
            and (p.definition_id in (select e.from_id from tasker.definition_edge e where e.to_id = v_step.definition_id)
            or p.step_no in (select e.from_no from tasker.task_edge e
                where e.task_id = v_step.task_id and e.to_no = v_step.step_no)
            or p.definition_id in (select o.definition_id from tasker.compensation c join tasker.compensation o on o.rank > c.rank
                where c.definition_id = v_step.definition_id))
        order by p.state <> 'error', p.step_no limit 20) as w;
    select count(*) into v_workers from tasker.worker w
    where w.queue_ids @> array[v_queue.queue_id] and w.seen_at > now() - interval '1 minute';
    select t.fire_at into v_retry_at from tasker.timer t
    where t.task_id = v_step.task_id and t.step_no = v_step.step_no and t.kind = 'retry';
    select coalesce(w.name, v_step.worker_id::text) into v_worker
    from (select) as one left join tasker.worker w on w.worker_id = v_step.worker_id;
    execute format('select (select m.vt from %1$s m where m.msg_id = $1 and m.read_ct > 0), (select count(*) from (
            select from unnest($2) as w(mark) cross join lateral (select from %1$s m
                where m.msg_id between w.mark and w.mark | 1125899906842623 and m.vt <= now() limit 100000) as k
            limit 100000) as n)', v_queue.message_table)
    into v_lease_until, v_depth using v_step.msg_id, v_queue.low_water;
    return json_build_object(
        'step', explain_step.step_name, 'state', v_step.state, 'task_state', tasker.shown_state(v_task),
        'reason', tasker.explain_state(v_step, v_task, v_parents, v_queue, v_workers, v_depth, v_lease_until,
            v_retry_at, v_worker),
        'waits_for', coalesce(v_parents, '[]'), 'retry_at', v_retry_at,
        'leased_by', case when v_step.state = 'in_progress' then v_worker end,
        'lease_until', case when v_step.state = 'in_progress' then v_lease_until end,
        'queue', v_queue.name, 'queue_depth', v_depth, 'workers', v_workers);
end;
$$;

comment on function tasker.explain_step(uuid, text) is
    'Why a step is not running: {step, state, task_state, reason: a sentence, waits_for: up to 20 parents that are not done, '
    'retry_at, leased_by, lease_until, queue, queue_depth, workers: how many serve its queue}. TK001 when there is none.';
