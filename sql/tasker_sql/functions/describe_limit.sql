-- A limit as JSON, the same for every query that shows limits. What stands in line is counted up to 100,000.
-- Internal. Reads only. Index: permit's key.

create or replace function tasker.describe_limit(p_limit tasker.flow_limit) returns json
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select json_build_object('name', p_limit.name, 'unit', p_limit.unit, 'concurrency', p_limit.concurrency,
        'rate', p_limit.rate, 'period_seconds', extract(epoch from p_limit.period)::double precision,
        'running', (select count(*) from tasker.list_permits(p_limit.limit_id)),
        'in_line', (select count(*) from (select from tasker.line l where p_limit.limit_id = any (l.limit_ids) limit 100000) as k),
        'last_change', (select json_build_object('reason', a.reason, 'actor', a.actor, 'at', a.at)
            from tasker.limit_action a where a.name = p_limit.name order by a.action_id desc limit 1))
$$;

comment on function tasker.describe_limit(tasker.flow_limit) is
    'Internal. A limit as JSON.';
