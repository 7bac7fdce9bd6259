-- All limits, by name, without those that were taken from queues: their rows stay, as long as a queue refers to them. Reads only.

create or replace function tasker.list_limits() returns setof json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    select tasker.describe_limit(f) from tasker.flow_limit f
    where f.name not like 'queue:%' or f.concurrency is not null or f.rate is not null
    order by f.name
$$;

comment on function tasker.list_limits() is
    'Each limit, but no queue''s that has no number any more: {name, unit: what it counts, step or task, concurrency, rate, period_seconds, running: how many places are '
    'taken (0 where it has no concurrency), in_line: how many steps that come under it stand in line, last_change: {reason, actor, at} or null}.';
