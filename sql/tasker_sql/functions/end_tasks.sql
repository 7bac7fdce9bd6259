-- Ends open tasks with an error, as their templates say: at once, or when what they had completed is undone. One that is
-- being undone already goes on with that. Internal.
-- Locks: steps and messages as close_steps; the caller holds the tasks' locks.

create or replace function tasker.end_tasks(p_tasks uuid[], p_reason text) returns void
language sql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
    select case p.on_failure when 'compensate' then tasker.compensate_task(t.task_id, 'error', p_reason)
        else tasker.finish_tasks(array[t.task_id], 'error', p_reason) end
    from tasker.task t join tasker.template p using (template_id)
    where t.task_id = any (p_tasks) and t.ends_as is null
        and t.state <> all ('{complete,error,cancelled,resolved_manually}')
$$;

comment on function tasker.end_tasks(uuid[], text) is
    'Internal. Ends open tasks with an error, as their templates say.';
