-- Writes down what an operator did, and answers with the task's state and how many steps changed. Internal.

create or replace function tasker.record_action(
    p_task_id uuid, p_step_no integer, p_verb text, p_reason text, p_actor text, p_steps integer
) returns json
language sql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
    insert into tasker.action (task_id, step_no, verb, reason, actor)
    values (p_task_id, p_step_no, p_verb, p_reason, p_actor);
    select json_build_object('task_id', t.task_id, 'state', t.state, 'steps', p_steps)
    from tasker.task t where t.task_id = p_task_id
$$;

comment on function tasker.record_action(uuid, integer, text, text, text, integer) is
    'Internal. Writes down what an operator did.';
