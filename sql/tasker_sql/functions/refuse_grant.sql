-- Fails for good a step that was just granted, because what its handler would be given is too much for one answer. Whether it
-- did: not when another transaction holds its task. Internal: part of fit_grants, whose transaction holds the message and the step.
-- Locks: the task, skipping it when held; then what follows from a failure (apply_outcomes).

create or replace function tasker.refuse_grant(p_task_id uuid, p_step_no integer, p_msg_id bigint, p_read_ct integer) returns boolean
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_queue_id integer;
begin
    perform from tasker.task t where t.task_id = p_task_id for no key update skip locked;
    if not found then
        return false;
    end if;
    select d.queue_id into v_queue_id
    from tasker.step s join tasker.step_definition d using (definition_id) where s.task_id = p_task_id and s.step_no = p_step_no;
    perform tasker.apply_outcomes(jsonb_build_array(jsonb_build_object(
        'queue_id', v_queue_id, 'msg_id', p_msg_id, 'read_ct', p_read_ct, 'task_id', p_task_id, 'step_no', p_step_no,
        'outcome', 'error', 'error', jsonb_build_object('type', 'InputTooLarge', 'message',
            'what the step takes (results of others, its input, its checkpoints) comes to more than 256 MB, which is the most that'
            ' a worker can be handed. Store what is large elsewhere, and hand on where it is'))));
    return true;
end;
$$;

comment on function tasker.refuse_grant(uuid, integer, bigint, integer) is
    'Internal. Fails for good a granted step that takes too much for one answer.';
