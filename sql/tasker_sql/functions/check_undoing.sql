-- Refuses to change a step of a task that is being undone, unless it is a compensation. Internal. Reads only.

create or replace function tasker.check_undoing(p_step tasker.step) returns void
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
begin
    if exists (select from tasker.task t where t.task_id = p_step.task_id and t.ends_as is not null)
        and not exists (select from tasker.compensation c where c.definition_id = p_step.definition_id) then
        raise exception using errcode = 'TK004', message = format('task %s is being undone', p_step.task_id),
            hint = 'Only its compensations can be changed now; their names begin with undo: .';
    end if;
end;
$$;

comment on function tasker.check_undoing(tasker.step) is
    'Internal. Refuses to change a step of a task that is being undone, unless it is a compensation.';
