-- Delivers an event to a task: to the steps that wait for it now, or that will. Of several with one name the first wins.
-- Locks: the task, then its waiting steps. Index: the primary keys.

create or replace function tasker.send_event(task_id uuid, name text, payload jsonb default '{}') returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_state tasker.task_state;
    v_tasks uuid[];
    v_steps integer[];
    v_values jsonb[];
    v_woken integer;
begin
    if coalesce(length(send_event.name), 0) not between 1 and 255 then
        raise exception using errcode = 'TK002', message = 'an event''s name has 1 to 255 characters',
            hint = 'Nothing was sent.';
    end if;
    select t.state into v_state from tasker.task t where t.task_id = send_event.task_id for no key update;
    if not found then
        raise exception using errcode = 'TK001', message = format('no task %s', send_event.task_id),
            hint = 'It may have been pruned, or belong to another database.';
    end if;
    -- One that was delivered is delivered, also for a client that has not heard so and asks again, when the task has ended by then.
    if v_state in ('complete', 'error', 'cancelled', 'resolved_manually') and not exists (
            select from tasker.event e where e.task_id = send_event.task_id and e.name = send_event.name) then
        raise exception using errcode = 'TK004',
            message = format('task %s has ended (%s)', send_event.task_id, v_state),
            hint = 'Nobody waits for an event any more.';
    end if;
    insert into tasker.event (task_id, name, payload)
    values (send_event.task_id, send_event.name, coalesce(send_event.payload, 'null'))
    on conflict do nothing;
    if not found then
        return json_build_object('task_id', send_event.task_id, 'accepted', false, 'woken', 0);
    end if;
    select array_agg(w.task_id), array_agg(w.step_no),
        array_agg(jsonb_build_object('event', coalesce(send_event.payload, 'null')))
    into v_tasks, v_steps, v_values
    from tasker.wait w where w.task_id = send_event.task_id and w.event = send_event.name;
    v_woken := tasker.end_waits(v_tasks, v_steps, v_values);
    if v_state = 'paused' then
        perform tasker.park_steps(v_tasks);
    end if;
    return json_build_object('task_id', send_event.task_id, 'accepted', true, 'woken', v_woken);
end;
$$;

comment on function tasker.send_event(uuid, text, jsonb) is
    'Sends an event to a task. Steps that wait for it go on; one that waits for it later finds it. Returns {task_id, '
    'accepted: whether it was the first of its name, woken: how many steps}. TK004 when the task has ended without one of that name.';
