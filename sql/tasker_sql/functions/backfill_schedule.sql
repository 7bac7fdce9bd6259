-- Asks for the fires of a range of time that is over. The scheduler decides them, a few at a time. Locks: the schedule.

create or replace function tasker.backfill_schedule(
    namespace text, name text, start_at timestamptz, end_at timestamptz, reason text, actor text,
    overlap text default 'buffer_all'
) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_schedule tasker.schedule := tasker.lock_schedule(backfill_schedule.namespace, backfill_schedule.name);
    v_what text := tasker.find_overlap_fault(backfill_schedule.overlap);
    v_backfill_id bigint;
begin
    v_what := case
        when v_what is not null then v_what
        when backfill_schedule.overlap is null then 'a backfill needs an overlap policy'
        when backfill_schedule.start_at is null or backfill_schedule.end_at is null
            or not isfinite(backfill_schedule.start_at) then 'a backfill needs a start and an end'
        when backfill_schedule.start_at > backfill_schedule.end_at then 'a backfill ends after it starts'
        when backfill_schedule.end_at > now() then 'a backfill is of the past: it cannot end in the future'
    end;
    if v_what is not null then
        raise exception using errcode = 'TK002', message = v_what, hint = 'Nothing was changed.';
    end if;
    if v_schedule.fault is not null then
        raise exception using errcode = 'TK004', message = format('the times of schedule %s/%s cannot be found: %s',
            backfill_schedule.namespace, v_schedule.name, v_schedule.fault), hint = 'Update it first.';
    end if;
    perform tasker.record_schedule_action(v_schedule, 'backfill', backfill_schedule.reason, backfill_schedule.actor);
    insert into tasker.backfill (schedule_id, start_at, end_at, decided_until, overlap)
    values (v_schedule.schedule_id, backfill_schedule.start_at, backfill_schedule.end_at,
        backfill_schedule.start_at - interval '1 microsecond', backfill_schedule.overlap)
    returning backfill_id into v_backfill_id;
    return json_build_object('namespace', backfill_schedule.namespace, 'name', v_schedule.name, 'backfill_id', v_backfill_id);
end;
$$;

comment on function tasker.backfill_schedule(text, text, timestamptz, timestamptz, text, text, text) is
    'Fires a schedule for each of its times from start_at to end_at, both included, whether they were fired before or not, '
    'and also while it is paused. overlap is of the backfill alone; by default one task runs after the other. The '
    'orchestrator does it. Returns {namespace, name, backfill_id}.';
