-- What an orchestrator does now and then: reports itself, forgets workers and orchestrators that stopped reporting, and
-- raises the queues' low-water marks, unless its transaction has written something before (raise_low_water says why), and
-- sweeps what limits have left behind.
-- Locks: the rows it changes.

create or replace function tasker.upkeep(orchestrator_id uuid, name text) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_forgotten integer;
    v_queue tasker.queue;
    v_position bigint;
    v_queues integer[] := '{}';
    v_positions bigint[] := '{}';
    v_busy boolean := false;
begin
    if upkeep.orchestrator_id is null or coalesce(upkeep.name, '') = '' then
        raise exception using errcode = 'TK002', message = 'an orchestrator needs an id and a name', hint = 'Nothing was done.';
    end if;
    if pg_current_xact_id_if_assigned() is null then
        for v_queue in select q.* from tasker.queue q order by q.queue_id loop
            execute format('select s.last_value from %s s', v_queue.message_sequence) into v_position;
            v_queues := v_queues || v_queue.queue_id;
            v_positions := v_positions || v_position;
            v_busy := v_busy or v_position is distinct from v_queue.low_water_next;
        end loop;
    end if;
    insert into tasker.orchestrator as o (orchestrator_id, name) values (upkeep.orchestrator_id, upkeep.name)
    on conflict on constraint orchestrator_pkey do update set seen_at = now();
    delete from tasker.orchestrator o where o.seen_at < now() - interval '1 minute';
    delete from tasker.worker w where w.seen_at < now() - interval '1 minute';
    get diagnostics v_forgotten = row_count;
    perform tasker.raise_low_water(p.queue_id, p.position)
    from unnest(v_queues, v_positions) as p(queue_id, position);
    perform tasker.sweep_limits(1000);
    return json_build_object('workers_forgotten', v_forgotten, 'busy', v_busy);
end;
$$;

comment on function tasker.upkeep(uuid, text) is
    'Maintenance. Reports an orchestrator, forgets processes that have not reported for a minute, and raises the queues'' '
    'low-water marks. Returns {workers_forgotten, busy}: whether messages came since the last time, so that it is worth asking soon.';
