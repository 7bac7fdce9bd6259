-- What a task came to: the results of its last steps, and the errors of those that failed. Reads only.

create or replace function tasker.get_task_result(task_id uuid) returns json
language plpgsql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_answer json;
begin
    select json_build_object(
        'state', tasker.shown_state(t),
        'reason', t.reason,
        'result', (select case when count(*) = 1 then (array_agg(l.result))[1] else jsonb_object_agg(l.name, l.result) end
            from tasker.list_last_results(t.task_id) as l),
        'errors', (select coalesce(json_agg(json_build_object('step', tasker.step_name(d.name, s.instance), 'error', s.error) order by s.step_no), '[]')
            from tasker.step s join tasker.step_definition d using (definition_id)
            where s.task_id = t.task_id and s.state = 'error'))
    into v_answer
    from tasker.task t where t.task_id = get_task_result.task_id;
    if not found then
        raise exception using errcode = 'TK001', message = format('no task %s', get_task_result.task_id),
            hint = 'It may have been pruned, or belong to another database.';
    end if;
    return v_answer;
end;
$$;

comment on function tasker.get_task_result(uuid) is
    'What a task has come to: {state, reason, result, errors}. result is that of its last step, or an object of name and '
    'result when it ends in several; errors is [{step, error}]. TK001 when there is no such task.';
