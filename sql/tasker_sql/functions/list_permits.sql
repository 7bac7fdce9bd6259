-- The permits of a limit that are good. Internal. Reads only. Index: permit's key, and those of steps and tasks.

create or replace function tasker.list_permits(p_limit_id integer) returns setof tasker.permit
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select p.* from tasker.permit p
    where p.limit_id = p_limit_id and case p.step_no
        when 0 then exists (select from tasker.task t where t.task_id = p.task_id and t.live > 0)
        else exists (select from tasker.step s where s.task_id = p.task_id and s.step_no = p.step_no and s.msg_id = p.msg_id) end
$$;

comment on function tasker.list_permits(integer) is
    'Internal. The permits of a limit that are good.';
