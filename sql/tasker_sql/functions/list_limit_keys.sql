-- The keys of a limit under which something stands in line or has a place, most in line first. Reads only.
-- Index: permit's key; the line is read whole, up to 100,000 rows of the limit.

create or replace function tasker.list_limit_keys(name text, max_rows integer default 50) returns setof json
language plpgsql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_limit_id integer := (select f.limit_id from tasker.flow_limit f where f.name = list_limit_keys.name);
begin
    if v_limit_id is null then
        raise exception using errcode = 'TK001', message = format('no limit %s', list_limit_keys.name),
            hint = tasker.name_limits();
    end if;
    return query
    with standing as (
        select l.keys[array_position(l.limit_ids, v_limit_id)] as key, count(*) as count, min(l.enqueued_at) as since
        from (select l.keys, l.limit_ids, l.enqueued_at from tasker.line l
            where v_limit_id = any (l.limit_ids) limit 100000) as l group by 1
    ), having_places as (
        select p.key, count(*) as count from tasker.list_permits(v_limit_id) as p group by p.key
    )
    select json_build_object('key', key, 'running', coalesce(h.count, 0), 'in_line', coalesce(s.count, 0),
        'oldest_age_seconds', round(extract(epoch from now() - s.since)::numeric, 3))
    from standing s full join having_places h using (key)
    order by coalesce(s.count, 0) desc, key
    limit least(greatest(coalesce(list_limit_keys.max_rows, 50), 0), 10000);
end;
$$;

comment on function tasker.list_limit_keys(text, integer) is
    'The keys of a limit that are in use, most in line first: {key, running, in_line, oldest_age_seconds of what stands in line}. '
    'TK001 when there is no such limit.';
