-- Fires timers that are due, up to a limit: retries go back to their queues, delayed tasks start, steps and tasks past
-- their time limit end. Any number may run at once. Also called by every exchange, so workers alone keep tasks moving.
-- Locks: tasks by id, skipping those held (their timers fire next time), then their timers, steps and messages.
-- Index: timer_due.

create or replace function tasker.promote_due(max_rows integer default 1000) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
    v_held uuid[];
    v_paused uuid[];
    v_fired record;
    v_count integer := 0;
begin
    if (promote_due.max_rows > 0) is not true then
        raise exception using errcode = 'TK002', message = 'promote_due takes at least one row at a time', hint = 'Give max_rows as 1 or more. Nothing was changed.';
    end if;
    select array_agg(t.task_id), array_agg(t.task_id) filter (where t.state = 'paused') into v_held, v_paused from (
        select t.task_id, t.state from tasker.task t
        where t.task_id in (
            select d.task_id from tasker.timer d where d.fire_at <= now() order by d.fire_at limit promote_due.max_rows)
        order by t.task_id for no key update skip locked) as t;
    if v_held is null then
        delete from tasker.timer d
        where d.fire_at <= now() and not exists (select from tasker.task t where t.task_id = d.task_id);
    else
        for v_fired in
            with due as (
                delete from tasker.timer d
                where (d.task_id, d.step_no, d.kind) in (
                    select f.task_id, f.step_no, f.kind from tasker.timer f
                    where f.task_id = any (v_held) and f.fire_at <= now()
                    order by f.fire_at limit promote_due.max_rows)
                returning d.kind, d.task_id, d.step_no)
            select due.kind, array_agg(due.task_id) as tasks, array_agg(due.step_no) as steps from due
            group by due.kind order by due.kind
        loop
            v_count := v_count + cardinality(v_fired.tasks);
            perform tasker.fire_timers(v_fired.kind, v_fired.tasks, v_fired.steps);
        end loop;
        if v_paused is not null then
            perform tasker.park_steps(v_paused);
        end if;
    end if;
    return json_build_object('fired', v_count,
        'next_due', (select extract(epoch from min(d.fire_at)) from tasker.timer d));
end;
$$;

comment on function tasker.promote_due(integer) is
    'Maintenance. Fires up to max_rows due timers. Returns {fired, next_due: seconds since the epoch, or null}.';
