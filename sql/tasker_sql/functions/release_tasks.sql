-- Resumes tasks that the pause of their template has paused, and that is over; what an operator has paused stays so. Returns
-- which it resumed. Internal.
-- Locks: the tasks, by id, then their steps as resume_task. Index: the primary keys, action_task, template_action_template.

create or replace function tasker.release_tasks(p_tasks uuid[]) returns uuid[]
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_task record;
    v_released uuid[] := '{}';
begin
    perform from (select from tasker.task t where t.task_id = any (p_tasks) order by t.task_id for no key update) as held;
    for v_task in
        select t.task_id, a.reason, a.actor
        from tasker.task t join tasker.template p using (template_id)
        cross join lateral (select l.reason, l.actor from tasker.template_action l
            where l.template_id = t.template_id order by l.action_id desc limit 1) as a
        where t.task_id = any (p_tasks) and t.state = 'paused' and not p.paused and tasker.pause_verb(t.task_id) = 'pause_template'
        order by t.task_id
    loop
        perform tasker.resume_task(v_task.task_id, v_task.reason, v_task.actor);
        v_released := v_released || v_task.task_id;
    end loop;
    return v_released;
end;
$$;

comment on function tasker.release_tasks(uuid[]) is
    'Internal. Resumes tasks that the pause of their template has paused.';
