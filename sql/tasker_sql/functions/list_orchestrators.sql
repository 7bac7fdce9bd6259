-- The orchestrators that report. Reads only.

create or replace function tasker.list_orchestrators() returns setof json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    select json_build_object('orchestrator_id', o.orchestrator_id, 'name', o.name, 'registered_at', o.registered_at,
        'seen_at', o.seen_at)
    from tasker.orchestrator o order by o.registered_at
$$;

comment on function tasker.list_orchestrators() is
    'The orchestrators that report: {orchestrator_id, name, registered_at, seen_at}.';
