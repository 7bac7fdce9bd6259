-- The sentence of explain_step. Internal. Reads only: its arguments, what the step waits for, and why it is held.

create or replace function tasker.explain_state(
    p_step tasker.step, p_task tasker.task, p_parents jsonb, p_queue tasker.queue, p_workers integer, p_depth bigint,
    p_lease_until timestamptz, p_retry_at timestamptz, p_worker text
) returns text
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select case p_step.state
        when 'pending' then case
            when tasker.starts_later(p_task.task_id) then format('the task starts at %s', p_task.start_at)
                || case when p_task.state = 'paused' then ', and is paused' else '' end
            when exists (select from jsonb_array_elements(p_parents) as p where p.value ->> 'state' = 'error')
                then 'it waits for ' || n.names || '; a step that failed must be retried or resolved first'
            when p_parents is null and p_step.instance is not null
                then 'it waits for its turn: its batch runs only so many workers at once'
            when p_parents is null and p_task.state = 'paused' then coalesce((
                select format('its %s is paused (%s): %s', case a.verb when 'pause' then 'task' else 'template' end, a.actor, a.reason)
                from tasker.action a where a.task_id = p_task.task_id and a.verb in ('pause', 'pause_template')
                order by a.action_id desc limit 1), 'its task is paused')
            when p_parents is null then 'nothing holds it: the rescuer will enqueue it'
            else 'it waits for ' || n.names end
        when 'enqueued' then case
            when p_queue.paused then format('its queue %s is paused', p_queue.name)
                || coalesce((select format(' (%s): %s', a.actor, a.reason) from tasker.queue_action a
                    where a.queue = p_queue.name order by a.action_id desc limit 1), '')
            when p_workers = 0 then format('no worker serves its queue %s: start one', p_queue.name)
            when u.turn is not null then u.turn
            else format('it is in queue %s, where %s can run and %s worker(s) serve', p_queue.name, p_depth, p_workers) end
        when 'in_progress' then case
            when p_lease_until is null then 'its message is gone: the rescuer will enqueue it again'
            when p_lease_until < now() then format('the lease of %s ran out at %s: it will be granted again', p_worker, p_lease_until)
            else format('%s runs attempt %s, with a lease until %s', p_worker, p_step.attempt, p_lease_until) end
        when 'waiting_for_retry' then case
            when p_step.started_at is null then format('it is due at %s, when the leases of steps that were in progress are over',
                p_retry_at)
            when p_step.error is null then format('its worker gave it back; it is due at %s', p_retry_at)
            else format('attempt %s of %s ended with %s; the next is due at %s', p_step.attempt,
                p_step.attempt_limit, coalesce(p_step.error ->> 'message', 'an error'), p_retry_at) end
        when 'waiting' then (select coalesce(coalesce('it waits for event ' || w.event,
                case when w.name like 'ask:%' then 'it waits for an answer to ' || substr(w.name, 5) end,
                case when w.awaits is not null then format('it waits for task %s (%s)', w.awaits,
                    coalesce((select tasker.shown_state(a)::text from tasker.task a where a.task_id = w.awaits), 'gone')) end)
                || coalesce(', until ' || t.fire_at, ''), 'it sleeps until ' || t.fire_at, 'it waits')
            from tasker.wait w left join tasker.timer t on t.task_id = w.task_id and t.step_no = w.step_no and t.kind = 'wake'
            where w.task_id = p_step.task_id and w.step_no = p_step.step_no)
        when 'error' then format('it failed after %s attempt(s): %s', p_step.attempt, coalesce(p_step.error ->> 'message', 'an error'))
        when 'cancelled' then 'it was cancelled' || coalesce(': ' || p_task.reason, '')
        when 'complete' then 'it is complete' || coalesce((select '; it is undone by ' || string_agg(
            format('%s (%s)', tasker.step_name(d.name, k.instance), k.state), ', ')
            from tasker.compensation c join tasker.step_definition d using (definition_id)
            join tasker.step k on k.task_id = p_step.task_id and k.definition_id = c.definition_id
                and k.origin_no = p_step.step_no
            where c.undoes_id = p_step.definition_id), '')
        when 'resolved_manually' then 'it was resolved by hand'
        when 'tolerated' then format('it failed after %s attempt(s), and its batch goes on without it: %s', p_step.attempt,
            coalesce(p_step.error ->> 'message', 'an error'))
    end
    from (select string_agg(format('%s (%s)', p.value ->> 'step', p.value ->> 'state'), ', ') as names
        from jsonb_array_elements(p_parents) as p) as n
    cross join (select case p_step.state when 'enqueued' then tasker.explain_turn(p_queue.queue_id, p_step.msg_id) end) as u(turn)
$$;

comment on function tasker.explain_state(tasker.step, tasker.task, jsonb, tasker.queue, integer, bigint, timestamptz, timestamptz, text) is
    'Internal. The sentence of explain_step.';
