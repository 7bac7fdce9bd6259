-- The highest number that a step of a task has, or that its template has given away. Internal. Reads only. Index: step's
-- primary key, step_definition's (template_id, step_no).

create or replace function tasker.last_step_no(p_task_id uuid) returns integer
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select greatest((select max(d.step_no) from tasker.step_definition d where d.template_id = t.template_id),
        (select max(s.step_no) from tasker.step s where s.task_id = p_task_id))
    from tasker.task t where t.task_id = p_task_id
$$;

comment on function tasker.last_step_no(uuid) is
    'Internal. The highest number that a step of a task has, or that its template has given away.';
