-- Gives their turn to as many workers of limited batches as have ended. Takes the ended ones, as task and definition, one
-- entry each. Returns the tasks of those that were enqueued, one entry each, and their queues. Internal.
-- Locks: batches, steps; the caller holds the tasks' locks. Index: the primary keys.

create or replace function tasker.release_turns(
    p_tasks uuid[], p_definitions integer[], out ready uuid[], out queues integer[]
) returns record
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_steps integer[];
begin
    with ended as (
        select e.task_id, e.definition_id, count(*)::integer as count
        from unnest(p_tasks, p_definitions) as e(task_id, definition_id) group by e.task_id, e.definition_id
    ), turn as (
        update tasker.batch b set released = least(b.released + e.count, b.size)
        from ended e, tasker.batch o
        where b.task_id = e.task_id and b.definition_id = e.definition_id and b.released < b.size
            and o.task_id = b.task_id and o.definition_id = b.definition_id
        returning b.task_id, b.first_no + o.released as from_no, b.first_no + b.released - 1 as to_no
    )
    select array_agg(s.task_id order by s.task_id, s.step_no), array_agg(s.step_no order by s.task_id, s.step_no) into ready, v_steps
    from turn t join tasker.step s on s.task_id = t.task_id and s.step_no between t.from_no and t.to_no
    where s.state = 'pending';
    if ready is not null then
        queues := tasker.start_steps(ready, v_steps);
    end if;
end;
$$;

comment on function tasker.release_turns(uuid[], integer[]) is
    'Internal. Gives their turn to as many workers of limited batches as have ended.';
