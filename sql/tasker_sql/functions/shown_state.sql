-- The state of a task as it is shown: one that is in progress is waiting when each of its live steps waits for something from
-- outside. Derived when somebody looks, so that the hot path writes nothing for it: as many waits as live steps. Internal. Reads only.
-- Index: wait's primary key.

create or replace function tasker.shown_state(t tasker.task) returns tasker.task_state
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select case when t.state = 'in_progress' and t.live > 0
        and t.live = (select count(*) from tasker.wait w where w.task_id = t.task_id) then 'waiting' else t.state end
$$;

comment on function tasker.shown_state(tasker.task) is
    'Internal. The state of a task as it is shown.';
