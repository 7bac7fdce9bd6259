-- How an approval stands: approved or rejected; open; expired, when no answer came in time; or closed, when its step ended
-- before that.
-- Internal. Reads only. Index: the primary keys.

create or replace function tasker.approval_state(a tasker.approval) returns text
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select case when a.answered_at is not null then case when a.approved then 'approved' else 'rejected' end
        when exists (select from tasker.wait w
            where w.task_id = a.task_id and w.step_no = a.step_no and w.name = 'ask:' || a.name) then 'open'
        when exists (select from tasker.checkpoint c
            where c.task_id = a.task_id and c.step_no = a.step_no and c.name = 'ask:' || a.name) then 'expired'
        else 'closed' end
$$;

comment on function tasker.approval_state(tasker.approval) is
    'Internal. How an approval stands.';
