-- What people are asked, oldest first. Reads only. Index: approval_unanswered, the primary keys; those of one task by its key.

create or replace function tasker.list_approvals(
    who text[] default null, task_id uuid default null, max_rows integer default 100
) returns setof json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    select tasker.describe_approval(a) from tasker.approval a
    where (list_approvals.task_id is null and a.answered_at is null and tasker.approval_state(a) = 'open'
            or a.task_id = list_approvals.task_id)
        and (list_approvals.who is null or a.who = '{}' or a.who && list_approvals.who)
    order by a.asked_at, a.task_id, a.step_no, a.name limit least(greatest(coalesce(list_approvals.max_rows, 100), 0), 1000)
$$;

comment on function tasker.list_approvals(text[], uuid, integer) is
    'What people are asked: all that is open, or with task_id all that one task has asked, oldest first, up to max_rows (1,000 at most). '
    '`who` leaves what one of these people or roles may answer. Each as get_approval gives it.';
