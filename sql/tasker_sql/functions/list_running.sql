-- The tasks of a schedule that keep its next one from starting: those that are open, but for those that nothing more can
-- happen to until an operator comes. Internal. Index: fire_live.

create or replace function tasker.list_running(p_schedule_id integer) returns uuid[]
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select coalesce(array_agg(t.task_id), '{}')
    from tasker.fire f join tasker.task t using (task_id)
    where f.schedule_id = p_schedule_id and f.live
        and t.state not in ('complete', 'error', 'cancelled', 'resolved_manually', 'blocked_by_failures')
$$;

comment on function tasker.list_running(integer) is
    'Internal. The tasks of a schedule that keep its next one from starting.';
