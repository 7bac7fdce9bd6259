-- Ends the open children of tasks that were ended before their work was done, or undoes those of tasks that are undone: up to
-- p_most of them. For what is left, over that number or locked by others just now, a timer of the parent is set, which calls
-- again. Children that are to be left are left. Internal.
-- A child that is ended ends its own children: a level of the tree at a time, each up to p_most, so that one transaction ends
-- at most 32 times as many. What is undone begins with its children in a transaction of its own.
-- Locks: the children, by id, skipping those held, because a parent's id need not be lower than its child's, and a child that
-- ends may be held by who waits for the parent; then as finish_tasks. The caller holds the parents'. Index: child_to_end.

create or replace function tasker.end_children(p_parents uuid[], p_most integer) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_ended uuid[];
    v_undone uuid[];
begin
    select array_agg(k.child_id) filter (where not k.undo), array_agg(k.child_id) filter (where k.undo)
    into v_ended, v_undone from (
        select c.child_id, p.ends_as is not null as undo
        from tasker.child c
        join tasker.task p on p.task_id = c.parent_id
        join tasker.task t on t.task_id = c.child_id
        where c.parent_id = any (p_parents) and c.open and c.on_parent_end = 'cancel' and t.ends_as is null
            and t.state <> all ('{complete,error,cancelled,resolved_manually}')
        order by c.child_id limit p_most for no key update of t skip locked) as k;
    if v_ended is not null then
        perform tasker.finish_tasks(v_ended, 'cancelled', 'its parent task has ended');
    end if;
    if v_undone is not null then
        perform tasker.compensate_task(u.task_id, 'cancelled', 'its parent task is undone') from unnest(v_undone) as u(task_id);
        perform tasker.park_steps(v_undone);
    end if;
    insert into tasker.timer (fire_at, task_id, step_no, kind)
    select case p_most when 0 then now() else clock_timestamp() + interval '100 milliseconds' end, p.task_id, 0, 'children'
    from unnest(p_parents) as p(task_id)
    where exists (select from tasker.child c join tasker.task t on t.task_id = c.child_id
        where c.parent_id = p.task_id and c.open and c.on_parent_end = 'cancel' and t.ends_as is null)
    on conflict do nothing;
end;
$$;

comment on function tasker.end_children(uuid[], integer) is
    'Internal. Ends or undoes up to p_most open children of tasks; a timer goes on with the rest.';
