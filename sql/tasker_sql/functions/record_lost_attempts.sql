-- Writes down attempts whose lease ran out, fails for good the steps that have no attempt left, and parks those of paused
-- tasks. Internal: part of a claim, which holds the messages and steps. Locks: the tasks of such steps, skipping those that
-- are held; then the step keeps its message and is looked at again when that becomes visible.

create or replace function tasker.record_lost_attempts(p_queue tasker.queue, p_lost jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_failed uuid[];
    v_steps integer[];
    v_messages bigint[];
    v_parked bigint[];
begin
    with lost as (
        select l.*, jsonb_build_object('type', case when l.deadline_at <= now() then 'AttemptTimedOut' else 'LeaseLost' end,
            'message', case when l.deadline_at <= now() then 'the attempt ran past its time limit and its worker did not end it'
                else 'the worker stopped reporting and its lease ran out' end) as error
        from jsonb_to_recordset(p_lost) as l(task_id uuid, step_no integer, attempt smallint, worker_id uuid,
            started_at timestamptz, deadline_at timestamptz, msg_id bigint, spent boolean, paused boolean)
        join tasker.step s using (task_id, step_no) where s.state = 'in_progress'
    ), held as materialized (
        select t.task_id, t.state from tasker.task t
        where t.task_id in (select l.task_id from lost l where l.spent or l.paused)
        for no key update skip locked
    ), recorded as (
        insert into tasker.attempt (task_id, step_no, attempt, outcome, worker_id, started_at, error)
        select l.task_id, l.step_no, l.attempt, 'lost', l.worker_id, l.started_at, l.error
        from lost l left join held h using (task_id)
        where case when l.spent then h.task_id is not null when l.paused then h.state is not distinct from 'paused' else true end
    ), failed as (
        update tasker.step s
        set state = 'error', error = l.error, completed_at = now(), msg_id = null, deadline_at = null
        from lost l join held h using (task_id)
        where l.spent and s.task_id = l.task_id and s.step_no = l.step_no
        returning s.task_id, s.step_no, l.msg_id
    ), parked as (
        update tasker.step s set state = 'pending', msg_id = null, enqueued_at = null, deadline_at = null
        from lost l join held h using (task_id)
        where l.paused and not l.spent and h.state = 'paused' and s.task_id = l.task_id and s.step_no = l.step_no
        returning l.msg_id
    )
    select array_agg(f.task_id), array_agg(f.step_no), array_agg(f.msg_id), (select array_agg(p.msg_id) from parked p)
    into v_failed, v_steps, v_messages, v_parked from failed f;
    if v_parked is not null then
        execute format('delete from %s as m where m.msg_id = any ($1)', p_queue.message_table) using v_parked;
    end if;
    if v_failed is not null then
        execute format('delete from %s as m where m.msg_id = any ($1)', p_queue.message_table) using v_messages;
        perform tasker.follow_failures(v_failed, v_steps);
        perform tasker.park_steps(v_failed);
    end if;
end;
$$;

comment on function tasker.record_lost_attempts(tasker.queue, jsonb) is
    'Internal. Writes down attempts whose lease ran out; fails the steps that have none left.';
