-- Locks a task that is to be run again and returns it; raises when there is none, or it may still change by itself. What was
-- undone cannot be kept. Internal. Locks: the task.

create or replace function tasker.lock_repeatable_task(p_task_id uuid, p_keeping boolean, p_reason text, p_actor text)
returns tasker.task
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_task tasker.task;
begin
    if coalesce(trim(p_reason), '') = '' or coalesce(trim(p_actor), '') = '' then
        raise exception using errcode = 'TK002', message = 'to rerun needs a reason and an actor',
            hint = 'Both are recorded with the change, for whoever reads it later.';
    end if;
    select t.* into v_task from tasker.task t where t.task_id = p_task_id for no key update;
    if not found then
        raise exception using errcode = 'TK001', message = format('no task %s', p_task_id),
            hint = 'It may have been pruned, or belong to another database.';
    end if;
    if v_task.state not in ('complete', 'error', 'cancelled', 'resolved_manually', 'blocked_by_failures') then
        raise exception using errcode = 'TK004', message = format('cannot rerun task %s: it goes on (%s)', p_task_id, v_task.state),
            hint = 'Only a task that has ended, or is blocked by failures, can be run again. Wait for that, or cancel it first.';
    end if;
    if p_keeping and v_task.ends_as is not null then
        raise exception using errcode = 'TK004',
            message = format('cannot rerun task %s from a step: what it had completed was undone', p_task_id),
            hint = 'Run the whole task again, without naming steps.';
    end if;
    return v_task;
end;
$$;

comment on function tasker.lock_repeatable_task(uuid, boolean, text, text) is
    'Internal. Locks a task that is to be run again; raises when it cannot be.';
