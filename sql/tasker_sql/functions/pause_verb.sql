-- What paused a task last: pause, by an operator, or pause_template; null when nothing has. Internal. Reads only.
-- Index: action_task.

create or replace function tasker.pause_verb(p_task_id uuid) returns text
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select a.verb from tasker.action a
    where a.task_id = p_task_id and a.verb in ('pause', 'pause_template') order by a.action_id desc limit 1
$$;

comment on function tasker.pause_verb(uuid) is
    'Internal. What paused a task last.';
