-- Does one of an operator's verbs to a whole task. Internal. Locks: as the verb.

create or replace function tasker.change_task(p_task_id uuid, p_verb text, p_reason text, p_actor text) returns json
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
begin
    return case p_verb
        when 'cancel' then tasker.cancel_task(p_task_id, p_reason, p_actor)
        when 'compensate' then tasker.cancel_task(p_task_id, p_reason, p_actor, true)
        when 'retry' then tasker.retry_task(p_task_id, p_reason, p_actor)
        when 'pause' then tasker.pause_task(p_task_id, p_reason, p_actor)
        when 'resume' then tasker.resume_task(p_task_id, p_reason, p_actor)
        when 'resolve' then tasker.resolve_task(p_task_id, p_reason, p_actor)
    end;
end;
$$;

comment on function tasker.change_task(uuid, text, text, text) is
    'Internal. Does one of an operator''s verbs to a whole task.';
