-- Forgets events that were emitted long ago, by tasks that are gone: their keys may come again. Their messages stay until they are read.
-- Locks: the rows. Index: the primary keys; ids sort by time.

create or replace function tasker.prune_events(older_than interval, max_rows integer default 1000) returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_pruned integer;
begin
    perform tasker.check_pruning(prune_events.older_than, prune_events.max_rows);
    delete from tasker.emitted_event e
    using (
        select o.event_id from tasker.emitted_event o
        where o.event_id < tasker.uuidv7_at(now() - prune_events.older_than)
            and not exists (select from tasker.task t where t.task_id = o.task_id)
        order by o.event_id limit prune_events.max_rows) as old
    where e.event_id = old.event_id;
    get diagnostics v_pruned = row_count;
    return v_pruned;
end;
$$;

comment on function tasker.prune_events(interval, integer) is
    'Maintenance. Forgets up to max_rows events that were emitted longer ago than older_than, by tasks that are gone. Returns how many.';
