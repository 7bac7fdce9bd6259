-- What the end of a task means for others: it is no open child any more, and those that wait for it are told. Internal; called
-- for linked tasks only, so that other ends cost nothing.
-- Locks: the rows of child; the caller holds the tasks'. Index: the primary key.

create or replace function tasker.follow_ends(p_tasks uuid[]) returns void
language sql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
    update tasker.child c set open = false where c.child_id = any (p_tasks);
    select tasker.tell_waiters(p_tasks);
$$;

comment on function tasker.follow_ends(uuid[]) is
    'Internal. What the end of tasks means for others.';
