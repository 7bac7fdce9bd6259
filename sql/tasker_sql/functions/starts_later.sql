-- Whether a task has not started yet, because its time has not come. Internal. Reads only. Index: timer's primary key.

create or replace function tasker.starts_later(p_task_id uuid) returns boolean
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select exists (select from tasker.timer t where t.task_id = p_task_id and t.step_no = 0 and t.kind = 'task_start')
$$;

comment on function tasker.starts_later(uuid) is
    'Internal. Whether a task has not started yet.';
