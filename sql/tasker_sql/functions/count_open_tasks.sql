-- How many tasks of a template are open, by state. Reads only. Index: task_open, so history costs nothing.

create or replace function tasker.count_open_tasks(namespace text default null, template text default null) returns json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    select coalesce(json_object_agg(c.state, c.tasks), '{}')
    from (
        select case when t.state = 'in_progress' and w.steps = t.live then 'waiting' else t.state end as state, count(*) as tasks
        from tasker.task t
        left join (select w.task_id, count(*) as steps from tasker.wait w group by w.task_id) as w using (task_id)
        join tasker.template p using (template_id)
        join tasker.namespace n using (namespace_id)
        where t.state in ('pending', 'in_progress', 'waiting', 'paused', 'blocked_by_failures')
            and (count_open_tasks.namespace is null or n.name = count_open_tasks.namespace)
            and (count_open_tasks.template is null or p.name = count_open_tasks.template)
        group by 1) as c
$$;

comment on function tasker.count_open_tasks(text, text) is
    'How many tasks are open, by state: {state: tasks}, of one namespace or template, or of all.';
