-- The hint for whoever names a limit that is not there. Internal. Reads only.

create or replace function tasker.name_limits() returns text
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select 'There are: ' || coalesce(string_agg(f.name, ', ' order by f.name), 'none')
        || '. A queue''s is called queue:NAME, and comes to be when it is set.'
    from tasker.flow_limit f
    where f.name not like 'queue:%' or f.concurrency is not null or f.rate is not null
$$;

comment on function tasker.name_limits() is
    'Internal. The hint for whoever names a limit that is not there.';
