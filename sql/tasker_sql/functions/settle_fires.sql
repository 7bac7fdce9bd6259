-- Notices which of a schedule's tasks have ended since it was last looked at. Internal. Tasks themselves know nothing of
-- schedules, so that ending one costs nothing more. Locks: the caller holds the schedule's. Index: fire_live.

create or replace function tasker.settle_fires(p_schedule_id integer) returns void
language sql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
    update tasker.fire f set live = false
    where f.schedule_id = p_schedule_id and f.live and not exists (
        select from tasker.task t where t.task_id = f.task_id
            and t.state not in ('complete', 'error', 'cancelled', 'resolved_manually'))
$$;

comment on function tasker.settle_fires(integer) is
    'Internal. Notices which tasks of a schedule have ended.';
