-- Tells the steps that wait for a task that it has ended, or is blocked. The task is locked by whoever calls; those that wait
-- belong to other tasks, and locking these now would break the order of locks: a parent is mostly, but not always, the one with
-- the lower id, and its cancelling may wait for nothing that a child holds. So a step is told by a timer that is due, which takes no lock of
-- its task. The exchange in which a task ends fires what is due, where it gets the other task's lock without waiting; so mostly
-- parent and child go on in one transaction. Whoever holds that lock instead, the timer is fired by the next exchange or by an
-- orchestrator. Nothing is missed: who begins to wait locks the other task as well (apply_outcomes), so that it sees the end or
-- is seen by it. Internal. Locks: none. Index: wait_awaits.

create or replace function tasker.tell_waiters(p_tasks uuid[]) returns void
language sql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
    insert into tasker.timer (fire_at, task_id, step_no, kind)
    select now(), w.task_id, w.step_no, 'task_ended' from tasker.wait w where w.awaits = any (p_tasks)
    on conflict do nothing
$$;

comment on function tasker.tell_waiters(uuid[]) is
    'Internal. Tells the steps that wait for tasks that these have ended or are blocked.';
