-- What became of a schedule's fires, the last first. Reads only. Index: the primary keys.

create or replace function tasker.list_fires(namespace text, name text, max_rows integer default 20) returns setof json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    select tasker.describe_fire(f)
    from tasker.fire f
    where f.schedule_id = (select s.schedule_id from tasker.schedule s join tasker.namespace n using (namespace_id)
        where n.name = list_fires.namespace and s.name = list_fires.name)
    order by f.fire_id desc
    limit least(greatest(coalesce(list_fires.max_rows, 20), 0), 10000)
$$;

comment on function tasker.list_fires(text, text, integer) is
    'The last fires of a schedule, the last first: {fire_id, fire_at: the nominal time, origin: schedule, trigger or '
    'backfill, state: started, buffered, skipped, missed or refused, task_id, task_state, note, decided_at, started_at}.';
