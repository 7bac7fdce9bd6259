-- A task's steps in their order. Reads only. Index: step's primary key.

create or replace function tasker.list_steps(task_id uuid) returns setof json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    select (tasker.describe_step(s, d) || jsonb_build_object('undone', u.state))::json
    from tasker.step s join tasker.step_definition d using (definition_id)
    left join (select k.origin_no, k.state from tasker.step k join tasker.compensation c using (definition_id)
        where k.task_id = list_steps.task_id) as u on u.origin_no = s.step_no
    where s.task_id = list_steps.task_id
    order by s.step_no
$$;

comment on function tasker.list_steps(uuid) is
    'A task''s steps with state, attempts, times, worker, progress, error, result and depends_on: the graph. A '
    'compensation has undoes, the step that it undoes, and that step has undone, the compensation''s state. One JSON '
    'object each, by step_no.';
