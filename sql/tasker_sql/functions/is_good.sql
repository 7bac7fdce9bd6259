-- Whether a permit is good: the message that took the place is still its step's, or its task has something live. Internal.
-- Reads only. A table without a fixed search_path, so that it is inlined where a plain function with a subquery would not be: it
-- is asked once per permit. The subqueries give a value, because whole tables might be hashed for an exists.
-- Index: the keys of steps and tasks.

create or replace function tasker.is_good(p tasker.permit) returns table (good boolean)
language sql stable
as $$
    select coalesce(case p.step_no
        when 0 then (select t.live > 0 from tasker.task t where t.task_id = p.task_id)
        else (select s.msg_id = p.msg_id from tasker.step s where s.task_id = p.task_id and s.step_no = p.step_no) end, false)
$$;

comment on function tasker.is_good(tasker.permit) is
    'Internal. Whether a permit is good.';
