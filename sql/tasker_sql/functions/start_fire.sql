-- Submits the task of a fire. One that is refused is written down with the reason, so that the next is not held up by it.
-- Internal. Locks: the caller holds the schedule's; as submit_tasks.

create or replace function tasker.start_fire(p_schedule tasker.schedule, p_fire tasker.fire) returns tasker.fire
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_definition jsonb := p_schedule.definition;
    v_task_id uuid;
    v_fire tasker.fire;
begin
    begin
        select s.task_id into v_task_id
        from tasker.namespace n cross join lateral tasker.submit_tasks(n.name, v_definition ->> 'template',
            jsonb_build_array(jsonb_build_object(
                'input', v_definition -> 'input', 'priority', v_definition -> 'priority',
                'tags', v_definition -> 'tags' || to_jsonb('schedule:' || p_schedule.name),
                'context', v_definition -> 'context' || jsonb_build_object('schedule', jsonb_build_object(
                    'name', p_schedule.name, 'fire_at', tasker.utc_text(p_fire.fire_at), 'origin', p_fire.origin)))),
            v_definition ->> 'version') as s
        where n.namespace_id = p_schedule.namespace_id;
    exception when sqlstate 'TK001' or sqlstate 'TK002' or sqlstate 'TK003' then
        update tasker.fire f set state = 'refused', note = sqlerrm
        where f.schedule_id = p_fire.schedule_id and f.fire_id = p_fire.fire_id returning * into v_fire;
        return v_fire;
    end;
    update tasker.fire f set state = 'started', task_id = v_task_id, live = true, started_at = now(), not_before = null
    where f.schedule_id = p_fire.schedule_id and f.fire_id = p_fire.fire_id returning * into v_fire;
    return v_fire;
end;
$$;

comment on function tasker.start_fire(tasker.schedule, tasker.fire) is
    'Internal. Submits the task of a fire.';
