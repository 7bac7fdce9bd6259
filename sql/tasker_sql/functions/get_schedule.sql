-- One schedule as JSON, with what operators did to it last. Reads only. Index: schedule_action_schedule.

create or replace function tasker.get_schedule(namespace text, name text) returns json
language plpgsql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_schedule jsonb;
begin
    select tasker.describe_schedule(s) into v_schedule
    from tasker.schedule s join tasker.namespace n using (namespace_id)
    where n.name = get_schedule.namespace and s.name = get_schedule.name;
    if not found then
        raise exception using errcode = 'TK001',
            message = format('no schedule %s/%s', get_schedule.namespace, get_schedule.name),
            hint = 'list_schedules has those that there are.';
    end if;
    return v_schedule || jsonb_build_object('actions', (
        select coalesce(jsonb_agg(jsonb_build_object('verb', l.verb, 'reason', l.reason, 'actor', l.actor, 'at', l.at)
            order by l.action_id desc), '[]')
        from (select a.* from tasker.schedule_action a
            where a.namespace = get_schedule.namespace and a.schedule = get_schedule.name
            order by a.action_id desc limit 10) as l));
end;
$$;

comment on function tasker.get_schedule(text, text) is
    'A schedule: the keys of its definition, and {namespace, name, paused, note, fault: why its times cannot be found, '
    'next_fire_at: null until the orchestrator has looked, decided_until, running, buffered, backfills, created_at, '
    'updated_at, actions: the last ten}. TK001 when there is none.';
