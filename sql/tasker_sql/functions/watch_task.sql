-- Asks for a notification when a task ends, and says how it stands now. Locks: the task.

create or replace function tasker.watch_task(task_id uuid) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
#variable_conflict use_column
declare
    v_state tasker.task_state;
begin
    update tasker.task t set watched = true where t.task_id = watch_task.task_id and not t.watched;
    select t.state into v_state from tasker.task t where t.task_id = watch_task.task_id;
    if not found then
        raise exception using errcode = 'TK001', message = format('no task %s', watch_task.task_id),
            hint = 'It may have been pruned, or belong to another database.';
    end if;
    return v_state;
end;
$$;

comment on function tasker.watch_task(uuid) is
    'Asks that the channel tasker_task be notified, with the task''s id, when the task ends or is blocked; returns its state.';
