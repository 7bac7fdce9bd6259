-- Deletes ended tasks, oldest first, with all that belongs to them, up to a limit. Ids sort by time, so the oldest stand
-- at the front of the primary key, and nothing younger is looked at. Open tasks, and blocked ones, stay;
-- so do children of open tasks, and what is waited for: their results may still be asked for.
-- Locks: the tasks, skipping those held. Index: the primary keys; `after` is where the last call stopped, so that what must stay is not looked at again.

create or replace function tasker.prune(older_than interval, after uuid default null, max_rows integer default 1000)
returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_page uuid[];
    v_gone uuid[];
    v_before uuid;
begin
    perform tasker.check_pruning(prune.older_than, prune.max_rows);
    v_before := tasker.uuidv7_at(now() - prune.older_than);
    select array_agg(p.task_id) into v_page from (
        select t.task_id from tasker.task t
        where t.task_id > coalesce(prune.after, '00000000-0000-0000-0000-000000000000')
            and t.task_id < v_before
        order by t.task_id limit prune.max_rows) as p;
    if v_page is null then
        return json_build_object('pruned', 0, 'next', null);
    end if;
    with chosen as (
        select t.task_id from tasker.task t
        where t.task_id = any (v_page) and t.state in ('complete', 'error', 'cancelled', 'resolved_manually')
            and t.completed_at < now() - prune.older_than
            and (not t.linked or not exists (select from tasker.child c join tasker.task p on p.task_id = c.parent_id
                    where c.child_id = t.task_id and p.state <> all ('{complete,error,cancelled,resolved_manually}'))
                and not exists (select from tasker.wait w where w.awaits = t.task_id))
        for update of t skip locked
    ), gone as (
        delete from tasker.task t using chosen c where t.task_id = c.task_id
        returning t.task_id
    )
    select array_agg(g.task_id) into v_gone from gone g;
    delete from tasker.step s where s.task_id = any (v_gone);
    delete from tasker.batch b where b.task_id = any (v_gone);
    delete from tasker.task_edge e where e.task_id = any (v_gone);
    delete from tasker.checkpoint c where c.task_id = any (v_gone);
    delete from tasker.approval a where a.task_id = any (v_gone);
    delete from tasker.event e where e.task_id = any (v_gone);
    delete from tasker.child c where c.child_id = any (v_gone);
    delete from tasker.wait w where w.task_id = any (v_gone);
    delete from tasker.attempt a where a.task_id = any (v_gone);
    delete from tasker.timer t where t.task_id = any (v_gone);
    delete from tasker.permit p where p.task_id = any (v_gone);
    delete from tasker.action a where a.task_id = any (v_gone);
    delete from tasker.idempotency_key k where k.task_id = any (v_gone);
    return json_build_object('pruned', coalesce(cardinality(v_gone), 0),
        'next', case when cardinality(v_page) = prune.max_rows then v_page[prune.max_rows] end);
end;
$$;

comment on function tasker.prune(interval, uuid, integer) is
    'Maintenance. Deletes tasks that ended longer ago than older_than, with their steps, attempts and keys, among up to '
    'max_rows tasks after the given one. Returns {pruned, next: where to go on, or null}.';
