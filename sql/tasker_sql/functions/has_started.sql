-- Whether the first of a task's steps was started in the time that a filter says. Internal. Reads only. Index: step's
-- primary key.

create or replace function tasker.has_started(p_task_id uuid, p_times jsonb) returns boolean
language sql stable
set search_path = pg_catalog, tasker, pg_temp
set plan_cache_mode = auto
as $$
    select coalesce(min(s.started_at) > coalesce(t.after, '-infinity') and min(s.started_at) < coalesce(t.before, 'infinity'), false)
    from tasker.filter_times(p_times) as t left join tasker.step s on s.task_id = p_task_id
    group by t.after, t.before
$$;

comment on function tasker.has_started(uuid, jsonb) is
    'Internal. Whether a task was started in the time that a filter says.';
