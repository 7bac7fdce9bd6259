-- One step with its input and every attempt. Reads only. Index: the primary keys.

create or replace function tasker.get_step(task_id uuid, step_name text) returns json
language plpgsql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_step tasker.step := tasker.find_step(get_step.task_id, get_step.step_name);
begin
    return (
        select tasker.describe_step(v_step, d, tasker.describe_undoing(v_step.task_id)) || jsonb_build_object(
            'task_id', v_step.task_id,
            'input', (select t.input from tasker.task t where t.task_id = v_step.task_id),
            'config', d.config,
            'result_schema', d.result_schema,
            'attempts', (select coalesce(jsonb_agg(jsonb_build_object(
                    'attempt', a.attempt, 'outcome', a.outcome, 'worker_id', a.worker_id, 'worker', w.name,
                    'started_at', a.started_at, 'ended_at', a.ended_at, 'error', a.error) order by a.attempt), '[]')
                from tasker.attempt a left join tasker.worker w using (worker_id)
                where a.task_id = v_step.task_id and a.step_no = v_step.step_no),
            'actions', (select coalesce(jsonb_agg(jsonb_build_object('verb', c.verb, 'reason', c.reason,
                    'actor', c.actor, 'at', c.at) order by c.action_id), '[]')
                from tasker.action c
                where c.task_id = v_step.task_id and (c.step_no = v_step.step_no or c.step_no is null)))
        from tasker.step_definition d where d.definition_id = v_step.definition_id)::json;
end;
$$;

comment on function tasker.get_step(uuid, text) is
    'A step as list_steps gives it, with the task''s input, its config and result schema, attempts that failed or were lost, and what '
    'operators did. TK001 when there is none.';
