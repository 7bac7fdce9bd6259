-- Schedules by name. Reads only.

create or replace function tasker.list_schedules(namespace text default null) returns setof json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    select tasker.describe_schedule(s)::json
    from tasker.schedule s join tasker.namespace n using (namespace_id)
    where list_schedules.namespace is null or n.name = list_schedules.namespace
    order by n.name, s.name
$$;

comment on function tasker.list_schedules(text) is
    'All schedules, or those of a namespace, by name. Each as get_schedule gives it, without its actions.';
