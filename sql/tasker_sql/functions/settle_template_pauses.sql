-- The backstop of pauses of templates: a task that was submitted while its template was being paused or resumed may have missed
-- it. Pauses those that should be, resumes those that no longer should. Internal: part of rescue.
-- Locks: as hold_tasks and release_tasks. Index: task's primary key, action_task.

create or replace function tasker.settle_template_pauses(p_tasks uuid[]) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_late uuid[];
    v_left uuid[];
begin
    if exists (select from tasker.template p where p.paused) then
        select array_agg(t.task_id) into v_late from tasker.task t join tasker.template p using (template_id)
        where t.task_id = any (p_tasks) and p.paused and t.state <> 'paused' and not exists (
            select from tasker.action a where a.task_id = t.task_id and a.verb in ('pause_template', 'resume'));
        perform tasker.hold_tasks(v_late);
    end if;
    select array_agg(t.task_id) into v_left from tasker.task t join tasker.template p using (template_id)
    where t.task_id = any (p_tasks) and t.state = 'paused' and not p.paused and tasker.pause_verb(t.task_id) = 'pause_template';
    if v_left is not null then
        perform tasker.release_tasks(v_left);
    end if;
end;
$$;

comment on function tasker.settle_template_pauses(uuid[]) is
    'Internal. Pauses and resumes tasks that have missed the pause of their template.';
