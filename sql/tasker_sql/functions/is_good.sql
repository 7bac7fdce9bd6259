-- Whether a permit is good: the message that took the place is still its step's, or its task has something live. Internal.
-- Reads only. Without a fixed search_path, so that it is inlined: it runs once per permit. Index: the keys of steps and tasks.

create or replace function tasker.is_good(p tasker.permit) returns boolean
language sql stable
as $$
    select case p.step_no
        when 0 then exists (select from tasker.task t where t.task_id = p.task_id and t.live > 0)
        else exists (select from tasker.step s where s.task_id = p.task_id and s.step_no = p.step_no and s.msg_id = p.msg_id) end
$$;

comment on function tasker.is_good(tasker.permit) is
    'Internal. Whether a permit is good.';
