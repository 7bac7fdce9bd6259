-- A task's steps in their order. Reads only. Index: step's primary key.

create or replace function tasker.list_steps(task_id uuid) returns setof json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    with undoing as materialized (select tasker.describe_undoing(list_steps.task_id) as steps)
    select tasker.describe_step(s, d, u.steps)::json
    from undoing u cross join tasker.step s join tasker.step_definition d using (definition_id)
    where s.task_id = list_steps.task_id
    order by s.step_no
$$;

comment on function tasker.list_steps(uuid) is
    'A task''s steps with state, attempts, times, worker, progress, error, result and depends_on: the graph. A '
    'compensation has undoes, the step that it undoes, and that step has undone, the compensation''s state. One JSON '
    'object each, by step_no.';
