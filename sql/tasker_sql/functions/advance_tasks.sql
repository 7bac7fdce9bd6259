-- Applies what happened to steps to their tasks' counters, one entry per step: `p_started` became live, `p_ended` are no
-- longer live, `p_failed` entered state error, `p_mended` left it. A task with nothing live left has come to rest (if it is
-- not complete, settle_rest says what then), and a task at rest that has something live again goes on. A task whose counters
-- do not change is not touched. Internal.
-- Locks: the caller holds the tasks' locks. Index: task's primary key. The open states are not spelled out in the
-- condition, because that would offer the index task_open, whose walk through all open tasks looks cheap to the planner.

create or replace function tasker.advance_tasks(p_started uuid[], p_ended uuid[], p_failed uuid[], p_mended uuid[])
returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_finished uuid[];
    v_resting uuid[];
    v_linked uuid[];
begin
    with change as (
        select c.task_id, sum(c.live)::integer as live, sum(c.failed)::integer as failed
        from (
            select unnest(p_started), 1, 0
            union all select unnest(p_ended), -1, 0
            union all select unnest(p_failed), 0, 1
            union all select unnest(p_mended), 0, -1
        ) as c(task_id, live, failed)
        group by c.task_id
        having sum(c.live) <> 0 or sum(c.failed) <> 0
    ), moved as (
        update tasker.task t
        set live = t.live + c.live,
            failed = t.failed + c.failed,
            state = tasker.task_state_at(t.live + c.live, t.failed + c.failed, t.ends_as, t.state = 'paused'),
            completed_at = case when t.live + c.live = 0 and t.failed + c.failed = 0 and t.ends_as is null then now() end
        from change c
        where t.task_id = c.task_id
            and t.state <> all ('{complete,error,cancelled,resolved_manually}')
        returning t.task_id, t.state, t.watched, t.live, t.linked
    ), told as (
        select pg_notify('tasker_task', m.task_id::text) from moved m
        where m.watched and m.state in ('complete', 'blocked_by_failures')
    )
    select array_agg(m.task_id) filter (where m.state = 'complete'), array_agg(m.task_id) filter (where m.state <> 'complete'),
        array_agg(m.task_id) filter (where m.state = 'complete' and m.linked)
    into v_finished, v_resting, v_linked
    from moved m where m.live = 0 and (select count(*) from told) >= 0;

    if v_finished is not null then
        delete from tasker.timer t where t.task_id = any (v_finished);
    end if;
    if v_linked is not null then
        perform tasker.follow_ends(v_linked);
    end if;
    if v_resting is not null then
        perform tasker.settle_rest(v_resting);
    end if;
end;
$$;

comment on function tasker.advance_tasks(uuid[], uuid[], uuid[], uuid[]) is
    'Internal. Applies steps'' transitions to their tasks'' counters and states.';
