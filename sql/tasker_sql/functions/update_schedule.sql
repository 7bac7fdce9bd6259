-- Changes parts of a schedule's definition. Locks: the schedule.

create or replace function tasker.update_schedule(namespace text, name text, changes jsonb, reason text, actor text) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_schedule tasker.schedule := tasker.lock_schedule(update_schedule.namespace, update_schedule.name);
    v_definition jsonb := v_schedule.definition;
begin
    if jsonb_typeof(update_schedule.changes) is distinct from 'object' then
        raise exception using errcode = 'TK002', message = 'the changes must be a JSON object', hint = 'Nothing was changed.';
    end if;
    if update_schedule.changes ?| array['cron', 'every', 'at'] then
        v_definition := v_definition - array['every', 'offset', 'at', 'cron']
            - case when update_schedule.changes ? 'cron' then '{}'::text[] else '{time_zone}' end;
    end if;
    v_definition := tasker.check_schedule(update_schedule.namespace, v_definition || update_schedule.changes);
    if v_definition <> v_schedule.definition then
        perform tasker.change_schedule(v_schedule, v_definition);
    end if;
    perform tasker.record_schedule_action(v_schedule, 'update', update_schedule.reason, update_schedule.actor);
    return tasker.get_schedule(update_schedule.namespace, update_schedule.name);
end;
$$;

comment on function tasker.update_schedule(text, text, jsonb, text, text) is
    'Changes the given keys of a schedule''s definition; null takes one away. Times count from the update on. Returns the '
    'schedule as get_schedule does.';
