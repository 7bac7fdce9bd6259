-- Makes a schedule. The same definition again is no change, so that a program may say at each start what it needs.
-- Locks: the schedule; waits for another transaction that makes the same one. Index: schedule (namespace_id, name).

create or replace function tasker.create_schedule(
    namespace text, name text, definition jsonb, on_conflict text default 'reject',
    reason text default 'declared', actor text default session_user
) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_definition jsonb := tasker.check_schedule(create_schedule.namespace, create_schedule.definition);
    v_schedule tasker.schedule;
begin
    if create_schedule.on_conflict is distinct from 'reject' and create_schedule.on_conflict is distinct from 'update' then
        raise exception using errcode = 'TK002',
            message = format('on_conflict is %L', create_schedule.on_conflict), hint = 'It is reject or update.';
    end if;
    if coalesce(create_schedule.name, '') !~ '^[^/[:cntrl:][:space:]]([^/[:cntrl:]]{0,126}[^/[:cntrl:][:space:]])?$' then
        raise exception using errcode = 'TK002', message = format('%L is not a schedule''s name', create_schedule.name),
            hint = 'Use up to 128 characters, without a slash and without spaces around them.';
    end if;
    insert into tasker.schedule (namespace_id, name, definition)
    select n.namespace_id, create_schedule.name, v_definition from tasker.namespace n where n.name = create_schedule.namespace
    on conflict on constraint schedule_namespace_id_name_key do nothing returning * into v_schedule;
    if found then
        if (v_definition ->> 'at')::timestamptz <= now() or (v_definition ->> 'end_at')::timestamptz <= now() then
            raise exception using errcode = 'TK002', message = 'the schedule would never fire: its time is over',
                hint = 'Nothing was changed.';
        end if;
        perform tasker.record_schedule_action(v_schedule, 'create', create_schedule.reason, create_schedule.actor);
        return json_build_object('namespace', create_schedule.namespace, 'name', v_schedule.name, 'created', true,
            'updated', false);
    end if;
    v_schedule := tasker.lock_schedule(create_schedule.namespace, create_schedule.name);
    if v_schedule.definition <> v_definition then
        if create_schedule.on_conflict = 'reject' then
            raise exception using errcode = 'TK003',
                message = format('schedule %s/%s is there with another definition', create_schedule.namespace, v_schedule.name),
                hint = 'Update it, or create it with on_conflict update.';
        end if;
        perform tasker.change_schedule(v_schedule, v_definition);
        perform tasker.record_schedule_action(v_schedule, 'update', create_schedule.reason, create_schedule.actor);
    end if;
    return json_build_object('namespace', create_schedule.namespace, 'name', v_schedule.name, 'created', false,
        'updated', v_schedule.definition <> v_definition);
end;
$$;

comment on function tasker.create_schedule(text, text, jsonb, text, text, text) is
    'Makes a schedule, which submits tasks of a template of its namespace by the clock. definition has the keys template, '
    'and one of cron (with time_zone, UTC by default), every (seconds, with offset) and at (a time); optional are version, '
    'input, context, tags, priority, jitter (seconds), start_at, end_at, overlap (skip, buffer_one, buffer_all, '
    'cancel_other, terminate_other, allow_all) and catchup_window (seconds, a day by default). The same definition again '
    'changes nothing; another one is refused (TK003) unless on_conflict is update. Returns {namespace, name, created, '
    'updated}.';
