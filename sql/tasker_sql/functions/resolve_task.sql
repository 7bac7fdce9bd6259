-- Closes a task as dealt with by hand. Locks: as cancel_task.

create or replace function tasker.resolve_task(task_id uuid, reason text, actor text) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_task tasker.task := tasker.lock_open_task(resolve_task.task_id, 'resolve', resolve_task.reason, resolve_task.actor);
begin
    return tasker.record_action(v_task.task_id, null, 'resolve', resolve_task.reason, resolve_task.actor,
        tasker.finish_tasks(array[v_task.task_id], 'resolved_manually', resolve_task.reason));
end;
$$;

comment on function tasker.resolve_task(uuid, text, text) is
    'Closes a task whose purpose was met by hand: its open steps are cancelled, its state is resolved_manually. One that is '
    'being undone is left as it is by then. Returns {task_id, state, steps}. TK004 when it has ended already.';
