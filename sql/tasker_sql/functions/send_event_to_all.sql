-- Delivers an event to every open task with a correlation id. Locks: the tasks, by id, then their waiting steps.
-- Index: task_correlation.

create or replace function tasker.send_event_to_all(correlation_id uuid, name text, payload jsonb default '{}')
returns setof json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_task_id uuid;
begin
    for v_task_id in
        select t.task_id from tasker.task t
        where t.correlation_id = send_event_to_all.correlation_id
            and t.state in ('pending', 'in_progress', 'waiting', 'paused', 'blocked_by_failures')
        order by t.task_id for no key update
    loop
        return next tasker.send_event(v_task_id, send_event_to_all.name, send_event_to_all.payload);
    end loop;
    if not found then
        raise exception using errcode = 'TK001',
            message = format('no open task has the correlation id %s', send_event_to_all.correlation_id),
            hint = 'Nothing was sent.';
    end if;
end;
$$;

comment on function tasker.send_event_to_all(uuid, text, jsonb) is
    'Sends an event to every open task with a correlation id. Returns what send_event does, for each. TK001 when there is none.';
