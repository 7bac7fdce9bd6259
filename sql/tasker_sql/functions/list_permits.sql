-- The permits of a limit that are good. Internal. Reads only. Index: permit's key, and those of steps and tasks.

create or replace function tasker.list_permits(p_limit_id integer) returns setof tasker.permit
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select p.* from tasker.permit p cross join lateral tasker.is_good(p) as g
    where p.limit_id = p_limit_id and g.good
$$;

comment on function tasker.list_permits(integer) is
    'Internal. The permits of a limit that are good.';
