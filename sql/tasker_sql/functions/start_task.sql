-- Starts a child task for a step whose handler runs. The child, whose it is, and the checkpoint by which the handler's next run
-- finds it commit together: a step that runs again never starts it twice. Under the parent's lock, so that a parent which ends
-- meanwhile either finds the child or starts none.
-- Locks: the parent task, the step's message (the lease cannot be granted to another meanwhile); as submit_tasks. Index: the
-- primary keys, child (parent_id, parent_step, name).

create or replace function tasker.start_task(
    queue_id integer, msg_id bigint, read_ct integer, task_id uuid, step_no integer, name text, child jsonb,
    on_parent_end text default 'cancel'
) returns uuid
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_table text := (select q.message_table::text from tasker.queue q where q.queue_id = start_task.queue_id);
    v_parent tasker.task;
    v_kind text;
    v_held boolean;
    v_depth integer;
    v_child_id uuid;
begin
    perform tasker.check_child(start_task.name, start_task.child, start_task.on_parent_end);
    if v_table is null then
        return null;
    end if;
    select t.* into v_parent from tasker.task t where t.task_id = start_task.task_id for no key update;
    execute format('select true from %s m where m.msg_id = $1 and m.read_ct = $2 for no key update', v_table)
    into v_held using start_task.msg_id, start_task.read_ct;
    select d.kind into v_kind from tasker.step s join tasker.step_definition d using (definition_id)
    where s.task_id = start_task.task_id and s.step_no = start_task.step_no and s.msg_id = start_task.msg_id
        and s.state = 'in_progress';
    if v_held is null or v_kind is null then
        return null;
    end if;
    select c.child_id into v_child_id from tasker.child c
    where c.parent_id = start_task.task_id and c.parent_step = start_task.step_no and c.name = start_task.name;
    if found then
        return v_child_id;
    end if;
    v_depth := 1 + coalesce((select c.depth from tasker.child c where c.child_id = start_task.task_id), 0);
    if v_depth > 32 then
        raise exception using errcode = 'TK002',
            message = format('task %s stands 32 children deep, and cannot start %s', start_task.task_id, start_task.name),
            hint = 'A handler that starts its own template needs an end; what goes on for long is a loop in one task.';
    end if;
    select s.task_id into v_child_id from tasker.submit_tasks(
        start_task.child ->> 'namespace', start_task.child ->> 'template',
        jsonb_build_array(jsonb_build_object('priority', v_parent.priority, 'correlation_id', v_parent.correlation_id)
            || coalesce((select jsonb_object_agg(g.key, g.value) from jsonb_each(start_task.child) as g
                where g.value <> 'null' and g.key <> all ('{namespace,template,version,input}')), '{}')
            || jsonb_build_object('input', coalesce(start_task.child -> 'input', '{}'))),
        start_task.child ->> 'version') as s;
    insert into tasker.child (child_id, parent_id, parent_step, name, depth, on_parent_end)
    values (v_child_id, start_task.task_id, start_task.step_no, start_task.name, v_depth,
        case v_kind when 'compensation' then 'leave' else start_task.on_parent_end end);
    update tasker.task t set linked = true where t.task_id in (start_task.task_id, v_child_id) and not t.linked;
    insert into tasker.checkpoint (task_id, step_no, name, value)
    values (start_task.task_id, start_task.step_no, 'start:' || start_task.name, to_jsonb(v_child_id))
    on conflict do nothing;
    return v_child_id;
end;
$$;

comment on function tasker.start_task(integer, bigint, integer, uuid, integer, text, jsonb, text) is
    'For workers. Starts a child task for a step that runs, under a name; or finds the one that the step has started under it. '
    'child is {namespace, template, version, input, priority, correlation_id, tags, trace_context, context}, all but the first two '
    'optional; priority and correlation id are the parent''s by default. on_parent_end: cancel | leave. Returns the child''s id, or '
    'null when the lease was lost. TK001 when there is no such template, TK002 when the child would be the 33rd in a line.';
