-- Deletes a schedule, its record of fires, and what it has buffered. Its tasks go on. Locks: the schedule.

create or replace function tasker.delete_schedule(namespace text, name text, reason text, actor text) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_schedule tasker.schedule := tasker.lock_schedule(delete_schedule.namespace, delete_schedule.name);
begin
    perform tasker.record_schedule_action(v_schedule, 'delete', delete_schedule.reason, delete_schedule.actor);
    delete from tasker.schedule s where s.schedule_id = v_schedule.schedule_id;
    return json_build_object('namespace', delete_schedule.namespace, 'name', v_schedule.name);
end;
$$;

comment on function tasker.delete_schedule(text, text, text, text) is
    'Deletes a schedule, and the fires that it has buffered. Tasks that it has started go on. Returns {namespace, name}.';
