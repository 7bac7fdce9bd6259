-- All limits, by name. Reads only.

create or replace function tasker.list_limits() returns setof json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    select tasker.describe_limit(f) from tasker.flow_limit f order by f.name
$$;

comment on function tasker.list_limits() is
    'Each limit: {name, unit: what it counts, step or task, concurrency, rate, period_seconds, running: how many places are '
    'taken (0 where it has no concurrency), in_line: how many steps that come under it stand in line, last_change: {reason, actor, at} or null}.';
