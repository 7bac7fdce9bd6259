-- Deletes the record of fires that were decided long ago, but for the last ten of each schedule, and those that wait or run.
-- Locks: the fires. Index: the primary key.

create or replace function tasker.prune_fires(older_than interval, max_rows integer default 1000) returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_pruned integer;
begin
    perform tasker.check_pruning(prune_fires.older_than, prune_fires.max_rows);
    delete from tasker.fire f
    using (
        select g.schedule_id, g.fire_id
        from tasker.schedule s
        cross join lateral (
            select min(l.fire_id) as kept_from from (
                select k.fire_id from tasker.fire k where k.schedule_id = s.schedule_id
                order by k.fire_id desc limit 10) as l) as n
        cross join lateral (
            select o.schedule_id, o.fire_id from tasker.fire o
            where o.schedule_id = s.schedule_id and o.fire_id < n.kept_from
                and o.decided_at < now() - prune_fires.older_than and not o.live and o.state <> 'buffered'
            order by o.fire_id limit prune_fires.max_rows) as g
        limit prune_fires.max_rows) as old
    where f.schedule_id = old.schedule_id and f.fire_id = old.fire_id;
    get diagnostics v_pruned = row_count;
    return v_pruned;
end;
$$;

comment on function tasker.prune_fires(interval, integer) is
    'Maintenance. Deletes up to max_rows fires that were decided longer ago than older_than. The last ten of each schedule '
    'stay, and those that wait or run. Returns how many.';
