-- Marks a step as dealt with by hand. Locks: the task, its steps, then the step's message.

create or replace function tasker.resolve_step(task_id uuid, step_name text, result jsonb, reason text, actor text) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_task tasker.task := tasker.lock_open_task(resolve_step.task_id, 'resolve', resolve_step.reason, resolve_step.actor);
    v_step tasker.step := tasker.find_step(v_task.task_id, resolve_step.step_name);
begin
    perform tasker.settle_step(v_task.task_id, v_step, 'resolved_manually', resolve_step.result);
    return tasker.record_action(v_task.task_id, v_step.step_no, 'resolve', resolve_step.reason, resolve_step.actor, 1);
end;
$$;

comment on function tasker.resolve_step(uuid, text, jsonb, text, text) is
    'Marks a step as dealt with by hand: its state becomes resolved_manually, its children see the given result (which may be null) and '
    'can run. For a step that has not ended, or has failed; one that is running loses its lease. Returns '
    '{task_id, state, steps}. TK004 when it has ended, or its task has not started.';
