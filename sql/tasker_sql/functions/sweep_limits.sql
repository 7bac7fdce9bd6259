-- Deletes what limits keep and nothing asks for any more: permits that are good no more, starts that are over, lanes without a turn
-- for an hour. Up to a number of rows of each. A permit that its step's next attempt took over meanwhile is good again, and stays. Internal: part of upkeep.
-- Locks: the rows it deletes, skipping those held. Index: the primary keys.

create or replace function tasker.sweep_limits(p_most integer) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
begin
    with dead as materialized (
        select k.* from tasker.permit k cross join lateral tasker.is_good(k) as g
        where not g.good
        limit p_most
    )
    delete from tasker.permit p where p.ctid = any (array(
        select g.ctid from dead k join tasker.permit g using (limit_id, key, task_id, step_no)
        where g.msg_id is not distinct from k.msg_id for update of g skip locked));

    delete from tasker.start r where r.ctid = any (array(
        select k.ctid from tasker.start k where k.over_at <= clock_timestamp() limit p_most for update skip locked));

    delete from tasker.lane t where (t.queue_id, t.lane) in (
        select k.queue_id, k.lane from tasker.lane k where k.served_at < now() - interval '1 hour'
        limit p_most for update skip locked);
end;
$$;

comment on function tasker.sweep_limits(integer) is
    'Internal. Deletes what limits keep and nothing asks for any more.';
