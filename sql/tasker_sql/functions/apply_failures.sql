-- The outcomes of a batch that are no completions: retry, error, lost, release. A retry out of attempts, or of an error whose
-- type, or one of whose kinds (the classes it derives from), the definition calls permanent, is an error. So is a loss out of
-- attempts: what ran the handler died, and nobody knows what it did; the attempt is written down as one whose lease ran out. A
-- release gives the step back uncounted, for later. Internal.
-- Locks: the caller has deleted the messages and holds the tasks' locks. Index: the primary keys.

create or replace function tasker.apply_failures(p_outcomes jsonb, p_accepted integer[]) returns integer[]
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_numbers integer[];
    v_failed uuid[];
    v_steps integer[];
begin
    with verdict as (
        select o.*, s.attempt, s.worker_id, s.started_at,
            case when o.outcome = 'release' then 'release'
                when o.outcome = 'lost' and s.attempt < s.attempt_limit then 'retry'
                when o.outcome = 'retry' and s.attempt < s.attempt_limit
                    and not coalesce(o.error ->> 'type' = any (d.permanent_errors), false)
                    and not coalesce(o.error -> 'kinds' ?| d.permanent_errors, false) then 'retry'
                else 'error' end as verdict,
            case when o.outcome = 'release' or o.delay is not null
                then make_interval(secs => least(greatest(coalesce(o.delay, 1), 0), 2592000))
                else tasker.backoff_delay(d, s.attempt) end as wait
        from rows from (jsonb_to_recordset(p_outcomes)
                as (task_id uuid, step_no integer, msg_id bigint, outcome text, error jsonb, delay double precision))
            with ordinality as o(task_id, step_no, msg_id, outcome, error, delay, n)
        join tasker.step s on s.task_id = o.task_id and s.step_no = o.step_no and s.msg_id = o.msg_id
            and s.state = 'in_progress'
        join tasker.step_definition d using (definition_id)
        where o.n = any (p_accepted) and o.outcome in ('retry', 'error', 'lost', 'release')
    ), ended as (
        insert into tasker.attempt (task_id, step_no, attempt, outcome, worker_id, started_at, error)
        select v.task_id, v.step_no, v.attempt, case v.outcome when 'lost' then 'lost' else v.verdict end, v.worker_id, v.started_at,
            v.error
        from verdict v where v.verdict <> 'release'
    ), later as (
        insert into tasker.timer (fire_at, task_id, step_no, kind)
        select clock_timestamp() + v.wait, v.task_id, v.step_no, 'retry' from verdict v where v.verdict <> 'error'
    ), moved as (
        update tasker.step s
        set state = case v.verdict when 'error' then 'error' else 'waiting_for_retry' end::tasker.step_state,
            attempt = case v.verdict when 'release' then s.attempt - 1 else s.attempt end,
            completed_at = case v.verdict when 'error' then now() end,
            error = v.error, msg_id = null, deadline_at = null
        from verdict v
        where s.task_id = v.task_id and s.step_no = v.step_no
        returning v.n, v.task_id, v.step_no, v.verdict
    )
    select array_agg(m.n::integer), array_agg(m.task_id) filter (where m.verdict = 'error'),
        array_agg(m.step_no) filter (where m.verdict = 'error')
    into v_numbers, v_failed, v_steps from moved m;
    if v_failed is not null then
        perform tasker.follow_failures(v_failed, v_steps);
    end if;
    return v_numbers;
end;
$$;

comment on function tasker.apply_failures(jsonb, integer[]) is
    'Internal. Applies the outcomes of a batch that are no completions; returns their numbers.';
