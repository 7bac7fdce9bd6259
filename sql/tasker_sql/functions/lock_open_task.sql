-- Locks a task that an operator wants to change and returns it; raises when there is none or it has ended. Internal.
-- Locks: the task.

create or replace function tasker.lock_open_task(p_task_id uuid, p_verb text, p_reason text, p_actor text) returns tasker.task
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_task tasker.task;
begin
    if coalesce(trim(p_reason), '') = '' or coalesce(trim(p_actor), '') = '' then
        raise exception using errcode = 'TK002', message = format('to %s needs a reason and an actor', p_verb),
            hint = 'Both are recorded with the change, for whoever reads it later.';
    end if;
    select t.* into v_task from tasker.task t where t.task_id = p_task_id for no key update;
    if not found then
        raise exception using errcode = 'TK001', message = format('no task %s', p_task_id),
            hint = 'It may have been pruned, or belong to another database.';
    end if;
    if v_task.state in ('complete', 'error', 'cancelled', 'resolved_manually') then
        raise exception using errcode = 'TK004',
            message = format('cannot %s task %s: it has ended (%s)', p_verb, p_task_id, v_task.state),
            hint = 'A task that has ended does not change any more. Submit a new one.';
    end if;
    return v_task;
end;
$$;

comment on function tasker.lock_open_task(uuid, text, text, text) is
    'Internal. Locks a task that an operator wants to change; raises when there is none or it has ended.';
