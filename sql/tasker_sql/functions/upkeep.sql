-- What an orchestrator does now and then: reports itself, forgets workers and orchestrators that stopped reporting, and
-- raises the queues' low-water marks. Locks: the rows it changes.

create or replace function tasker.upkeep(orchestrator_id uuid, name text) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_forgotten integer;
    v_queue integer;
begin
    insert into tasker.orchestrator as o (orchestrator_id, name) values (upkeep.orchestrator_id, upkeep.name)
    on conflict on constraint orchestrator_pkey do update set seen_at = now();
    delete from tasker.orchestrator o where o.seen_at < now() - interval '1 minute';
    delete from tasker.worker w where w.seen_at < now() - interval '1 minute';
    get diagnostics v_forgotten = row_count;
    for v_queue in select q.queue_id from tasker.queue q order by q.queue_id loop
        perform tasker.raise_low_water(v_queue);
    end loop;
    return json_build_object('workers_forgotten', v_forgotten);
end;
$$;

comment on function tasker.upkeep(uuid, text) is
    'Maintenance. Reports an orchestrator, forgets processes that have not reported for a minute, and raises the queues'' '
    'low-water marks. Returns {workers_forgotten}.';
