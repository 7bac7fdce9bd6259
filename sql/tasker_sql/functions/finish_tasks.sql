-- Ends tasks before their steps did: cancels what is open, sets the final state, drops the timers, and ends their children.
-- Internal.
-- Locks: steps and messages as close_steps; the caller holds the tasks' locks. Then children, as end_children.

create or replace function tasker.finish_tasks(p_tasks uuid[], p_state tasker.task_state, p_reason text) returns integer
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_cancelled integer := tasker.cancel_open_steps(p_tasks);
    v_linked uuid[];
    v_undone boolean;
begin
    perform pg_notify('tasker_task', t.task_id::text) from tasker.task t where t.task_id = any (p_tasks) and t.watched;
    with ended as (
        update tasker.task t set state = p_state, live = 0, completed_at = now(), reason = p_reason
        where t.task_id = any (p_tasks) returning t.task_id, t.linked, t.ends_as
    )
    select array_agg(e.task_id), bool_or(e.ends_as is not null) into v_linked, v_undone from ended e where e.linked;
    if v_linked is not null then
        perform tasker.follow_ends(v_linked);
        perform tasker.end_children(v_linked, case when v_undone then 0 else 1000 end);
    end if;
    return v_cancelled;
end;
$$;

comment on function tasker.finish_tasks(uuid[], tasker.task_state, text) is
    'Internal. Ends tasks before their steps did; returns how many steps were cancelled.';
