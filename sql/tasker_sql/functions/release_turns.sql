-- Gives the turns of a limited batch's workers that have ended to the next ones that wait for theirs. A worker that ended before
-- its turn had none to give, and those that have ended before theirs are passed over. Takes the ended steps, as task and
-- number. Returns the tasks of those that were enqueued, one entry each, and their queues. Internal.
-- Locks: batches, steps; the caller holds the tasks' locks. Index: the primary keys.

create or replace function tasker.release_turns(
    p_tasks uuid[], p_steps integer[], out ready uuid[], out queues integer[]
) returns record
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_steps integer[];
begin
    with ended as (
        select b.task_id, b.definition_id, b.first_no, b.size, b.released, count(*) as count
        from unnest(p_tasks, p_steps) as e(task_id, step_no)
        join tasker.step s using (task_id, step_no) join tasker.batch b using (task_id, definition_id)
        where b.released < b.size and s.instance <= b.released
        group by b.task_id, b.definition_id
    ), turn as (
        select e.task_id, e.definition_id, n.step_no
        from ended e cross join lateral (
            select s.step_no from tasker.step s
            where s.task_id = e.task_id and s.step_no between e.first_no + e.released and e.first_no + e.size - 1
                and s.state = 'pending'
            order by s.step_no limit e.count) as n
    ), moved as (
        update tasker.batch b
        set released = case when k.count = e.count then k.last_no - b.first_no + 1 else b.size end
        from ended e cross join lateral (select count(*) as count, max(t.step_no) as last_no from turn t
            where t.task_id = e.task_id and t.definition_id = e.definition_id) as k
        where b.task_id = e.task_id and b.definition_id = e.definition_id
    )
    select array_agg(t.task_id order by t.task_id, t.step_no), array_agg(t.step_no order by t.task_id, t.step_no)
    into ready, v_steps from turn t;
    if ready is not null then
        queues := tasker.start_steps(ready, v_steps);
    end if;
end;
$$;

comment on function tasker.release_turns(uuid[], integer[]) is
    'Internal. Gives the turns of a limited batch''s workers that have ended to the next ones.';
