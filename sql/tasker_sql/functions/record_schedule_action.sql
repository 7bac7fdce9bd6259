-- Writes down what was done to a schedule; raises when nobody says who or why. Internal.

create or replace function tasker.record_schedule_action(
    p_schedule tasker.schedule, p_verb text, p_reason text, p_actor text
) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
begin
    if coalesce(trim(p_reason), '') = '' or coalesce(trim(p_actor), '') = '' then
        raise exception using errcode = 'TK002', message = format('to %s needs a reason and an actor', p_verb),
            hint = 'Both are recorded with the change, for whoever reads it later.';
    end if;
    insert into tasker.schedule_action (namespace, schedule, verb, reason, actor)
    select n.name, p_schedule.name, p_verb, p_reason, p_actor
    from tasker.namespace n where n.namespace_id = p_schedule.namespace_id;
end;
$$;

comment on function tasker.record_schedule_action(tasker.schedule, text, text, text) is
    'Internal. Writes down what was done to a schedule.';
