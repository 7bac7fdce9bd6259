-- Deletes what limits keep and nothing asks for any more: permits that are good no more, starts that are over, lanes without a turn
-- for an hour. Up to a number of rows of each. Internal: part of upkeep.
-- Locks: the rows it deletes, skipping those held. Index: the primary keys.

create or replace function tasker.sweep_limits(p_most integer) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
begin
    delete from tasker.permit p using (
        select k.limit_id, k.key, k.task_id, k.step_no from tasker.permit k
        where case k.step_no
            when 0 then not exists (select from tasker.task t where t.task_id = k.task_id and t.live > 0)
            else not exists (select from tasker.step s where s.task_id = k.task_id and s.step_no = k.step_no and s.msg_id = k.msg_id) end
        limit p_most for update skip locked) as k
    where p.limit_id = k.limit_id and p.key = k.key and p.task_id = k.task_id and p.step_no = k.step_no;

    delete from tasker.start r where r.ctid = any (array(
        select k.ctid from tasker.start k where k.over_at <= clock_timestamp() limit p_most for update skip locked));

    delete from tasker.lane t where (t.queue_id, t.lane) in (
        select k.queue_id, k.lane from tasker.lane k where k.served_at < now() - interval '1 hour'
        limit p_most for update skip locked);
end;
$$;

comment on function tasker.sweep_limits(integer) is
    'Internal. Deletes what limits keep and nothing asks for any more.';
