-- What becomes of one fire, by its overlap policy: writes it down, and starts it if it is to start now. Internal.
-- Locks: the caller holds the schedule's; as stop_others, then as submit_tasks. Index: fire_live, fire_buffered.

create or replace function tasker.decide_fire(p_schedule tasker.schedule, p_fire_at timestamptz, p_origin text, p_overlap text)
returns tasker.fire
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_running uuid[] := case when p_overlap <> 'allow_all' then tasker.list_running(p_schedule.schedule_id) end;
    v_buffered integer;
    v_busy boolean;
    v_skip text;
    v_not_before timestamptz;
    v_fire tasker.fire;
begin
    select count(*) into v_buffered
    from tasker.fire f where f.schedule_id = p_schedule.schedule_id and f.state = 'buffered';
    v_busy := p_overlap <> 'allow_all' and (cardinality(v_running) > 0 or v_buffered > 0);
    case p_overlap
    when 'allow_all' then
        null;
    when 'skip' then
        v_skip := case when v_busy then 'the last one had not ended' end;
    when 'buffer_one' then
        v_skip := case when v_buffered > 0 then 'one was waiting already' end;
    when 'buffer_all' then
        v_skip := case when v_buffered >= 1000 then '1,000 were waiting already' end;
    when 'cancel_other', 'terminate_other' then
        -- What a buffered one waits for, the one in its place waits for.
        with replaced as (
            update tasker.fire f set state = 'skipped', note = 'a later one took its place'
            where f.schedule_id = p_schedule.schedule_id and f.state = 'buffered'
            returning f.not_before)
        select max(r.not_before) into v_not_before from replaced r;
        v_not_before := greatest(v_not_before, tasker.stop_others(p_schedule, v_running, p_fire_at));
        v_busy := p_overlap = 'cancel_other' and (coalesce(v_not_before > now(), false)
            or cardinality(tasker.list_running(p_schedule.schedule_id)) > 0);
    end case;
    insert into tasker.fire (schedule_id, fire_at, origin, state, note, not_before)
    values (p_schedule.schedule_id, p_fire_at, p_origin, case when v_skip is null then 'buffered' else 'skipped' end, v_skip,
        case when v_busy then v_not_before end)
    on conflict do nothing returning * into v_fire;
    if v_fire.state = 'buffered' and not v_busy then
        v_fire := tasker.start_fire(p_schedule, v_fire);
    end if;
    return v_fire;
end;
$$;

comment on function tasker.decide_fire(tasker.schedule, timestamptz, text, text) is
    'Internal. Writes down what becomes of one fire, and starts it if it is to start now.';
