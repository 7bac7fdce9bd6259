-- The outcomes of a batch that suspend their steps until an event, an answer, another task's end, a time, or whichever comes
-- first. The attempt is not counted: the step's next run is the same attempt again, and goes on from its checkpoints. What waits
-- for an event that has come already, or for a task that has ended, is enqueued at once. Internal.
-- Locks: steps; the caller has deleted the messages and holds the locks of the tasks and of those that they wait for. Index: the primary keys.

create or replace function tasker.apply_waits(p_outcomes jsonb, p_accepted integer[]) returns integer[]
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_numbers integer[];
    v_tasks uuid[];
    v_steps integer[];
    v_values jsonb[];
    v_waiting uuid[];
    v_waiting_steps integer[];
begin
    with asked as (
        select o.n, s.task_id, s.step_no,
            left(coalesce('ask:' || left(o.wait #>> '{approval,name}', 255), o.wait ->> 'name', 'wait'), 300) as name,
            o.wait ->> 'event' as event, (o.wait ->> 'task')::uuid as awaits,
            coalesce((o.wait ->> 'until_blocked')::boolean, false) as until_blocked, nullif(o.wait -> 'approval', 'null') as approval,
            case when o.wait ->> 'seconds' is not null
                then least(greatest((o.wait ->> 'seconds')::double precision, 0), 315360000) end as seconds
        from rows from (jsonb_to_recordset(p_outcomes)
                as (task_id uuid, step_no integer, msg_id bigint, outcome text, wait jsonb))
            with ordinality as o(task_id, step_no, msg_id, outcome, wait, n)
        join tasker.step s on s.task_id = o.task_id and s.step_no = o.step_no and s.msg_id = o.msg_id
            and s.state = 'in_progress'
        where o.n = any (p_accepted) and o.outcome = 'wait'
    ), waits as (
        insert into tasker.wait (task_id, step_no, name, event, awaits, until_blocked)
        select a.task_id, a.step_no, a.name, a.event, a.awaits, a.until_blocked from asked a
    ), timers as (
        insert into tasker.timer (fire_at, task_id, step_no, kind)
        select clock_timestamp() + make_interval(secs => a.seconds), a.task_id, a.step_no, 'wake' from asked a
        where a.seconds is not null
    ), questions as (
        insert into tasker.approval (task_id, step_no, name, title, data, form, who, expires_at)
        select a.task_id, a.step_no, left(a.approval ->> 'name', 255),
            left(coalesce(nullif(a.approval ->> 'title', ''), a.approval ->> 'name'), 1000),
            coalesce(a.approval -> 'data', 'null'), nullif(a.approval -> 'form', 'null'),
            array(select jsonb_array_elements_text(coalesce(nullif(a.approval -> 'who', 'null'), '[]'))),
            clock_timestamp() + make_interval(secs => a.seconds)
        from asked a where a.approval is not null
        on conflict (task_id, step_no, name) do nothing
    ), moved as (
        update tasker.step s set state = 'waiting', attempt = s.attempt - 1, msg_id = null, deadline_at = null
        from asked a where s.task_id = a.task_id and s.step_no = a.step_no
        returning a.n, a.task_id, a.step_no, a.event, a.awaits
    )
    select array_agg(m.n::integer), array_agg(m.task_id) filter (where e.name is not null),
        array_agg(m.step_no) filter (where e.name is not null),
        array_agg(jsonb_build_object('event', e.payload)) filter (where e.name is not null),
        array_agg(m.task_id) filter (where m.awaits is not null), array_agg(m.step_no) filter (where m.awaits is not null)
    into v_numbers, v_tasks, v_steps, v_values, v_waiting, v_waiting_steps
    from moved m left join tasker.event e on e.task_id = m.task_id and e.name = m.event;
    if v_tasks is not null then
        perform tasker.end_waits(v_tasks, v_steps, v_values);
    end if;
    if v_waiting is not null then
        update tasker.task t set linked = true
        where not t.linked and t.task_id in (select w.awaits from tasker.wait w
            join unnest(v_waiting, v_waiting_steps) as n(task_id, step_no) using (task_id, step_no));
        perform tasker.end_task_waits(v_waiting, v_waiting_steps);
    end if;
    return v_numbers;
end;
$$;

comment on function tasker.apply_waits(jsonb, integer[]) is
    'Internal. The outcomes of a batch that suspend their steps; returns their numbers.';
