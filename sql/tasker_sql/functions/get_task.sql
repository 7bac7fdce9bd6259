-- One task as JSON. Reads only. Index: the primary keys, task_rerun.

create or replace function tasker.get_task(task_id uuid) returns json
language plpgsql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_task json;
begin
    select json_build_object(
        'task_id', t.task_id, 'namespace', n.name, 'template', p.name, 'version', p.version, 'state', tasker.shown_state(t),
        'input', t.input, 'context', t.context, 'priority', t.priority, 'correlation_id', t.correlation_id,
        'tags', t.tags, 'idempotency_key', t.idempotency_key, 'created_at', t.created_at,
        'start_at', t.start_at, 'started_at', c.started_at, 'completed_at', t.completed_at, 'reason', t.reason,
        'ends_as', t.ends_as, 'rerun_of', t.rerun_of,
        'reruns', (select coalesce(json_agg(r.task_id order by r.task_id), '[]') from tasker.task r where r.rerun_of = t.task_id),
        'paused', case t.state when 'paused' then (
            select json_build_object('verb', a.verb, 'reason', a.reason, 'actor', a.actor, 'at', a.at) from tasker.action a
            where a.task_id = t.task_id and a.verb in ('pause', 'pause_template') order by a.action_id desc limit 1) end,
        'parent', tasker.describe_parent(t.task_id), 'steps', c.counts)
    into v_task
    from tasker.task t
    join tasker.template p using (template_id)
    join tasker.namespace n using (namespace_id)
    cross join lateral tasker.count_steps(t.task_id) as c
    where t.task_id = get_task.task_id;
    if not found then
        raise exception using errcode = 'TK001', message = format('no task %s', get_task.task_id),
            hint = 'It may have been pruned, or belong to another database.';
    end if;
    return v_task;
end;
$$;

comment on function tasker.get_task(uuid) is
    'A task with its input and the number of its steps in each state. One that is or was undone has ends_as: cancelled or '
    'error; one that is paused has paused: {verb: pause or pause_template, reason, actor, at}; a child has parent: {task_id, step, name, on_parent_end, depth}. rerun_of is the task that it repeats, reruns those that '
    'repeat it. TK001 when there is none.';
