-- Runs a task again, as a new one: the whole of it, or from some of its steps, with what else it had completed kept.
-- Locks: the original; then those of a task of its own.

create or replace function tasker.rerun_task(
    task_id uuid, reason text, actor text, from_steps text[] default null, input jsonb default null, version text default null
) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_old tasker.task := tasker.lock_repeatable_task(
        rerun_task.task_id, rerun_task.from_steps is not null, rerun_task.reason, rerun_task.actor);
    v_template tasker.template;
    v_new uuid := tasker.uuidv7();
begin
    select f.* into v_template
    from tasker.template p join tasker.namespace n using (namespace_id)
    cross join lateral tasker.find_template(n.name, p.name, coalesce(rerun_task.version, p.version)) as f
    where p.template_id = v_old.template_id;
    perform tasker.create_tasks(v_template, jsonb_build_array(jsonb_build_object(
        'input', coalesce(rerun_task.input, v_old.input), 'context', v_old.context, 'priority', v_old.priority,
        'tags', v_old.tags, 'correlation_id', v_old.correlation_id, 'trace_context', v_old.trace_context)),
        array[v_new], array[true]);
    update tasker.task t set rerun_of = v_old.task_id where t.task_id = v_new;
    insert into tasker.event (task_id, name, payload, sent_at)
    select v_new, e.name, e.payload, e.sent_at from tasker.event e where e.task_id = v_old.task_id;
    if rerun_task.from_steps is not null then
        perform tasker.keep_steps(v_new, v_old.task_id, tasker.find_steps(v_old.task_id, rerun_task.from_steps));
    end if;
    perform tasker.record_action(v_old.task_id, null, 'rerun', rerun_task.reason, rerun_task.actor, 0);
    perform tasker.record_action(v_new, null, 'rerun', rerun_task.reason, rerun_task.actor, 0);
    return tasker.describe_rerun(v_new);
end;
$$;

comment on function tasker.rerun_task(uuid, text, text, text[], jsonb, text) is
    'Runs a task again that has ended or is blocked, as a new task; the old one is left as it is. With from_steps (names; load '
    'means all workers of batch load), steps that are done and do not come after them keep their results. input replaces the '
    'task''s, version is another version of its template: what is done there under the same name and kind is kept, while '
    'all that comes after something new runs. Returns {task_id: the new one, rerun_of, state, version, kept: names of steps, again: names '
    'of steps that run or will run again}. TK004 when the task goes on, was undone, or a result cannot be kept; TK001 for a '
    'step that is not there.';
