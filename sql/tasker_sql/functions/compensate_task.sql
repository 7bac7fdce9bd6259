-- Begins to undo a task: cancels what is open, and writes a compensation for each step that was completed (or, where the
-- template says so, started). Then the task ends in the given state. The first of them run when the leases of the steps that
-- were in progress are over, so that no handler is undone while it runs. Returns how many steps were cancelled. Internal.
-- Locks: steps and messages as close_steps; the caller holds the task's lock. Index: the primary keys.

create or replace function tasker.compensate_task(p_task_id uuid, p_state tasker.task_state, p_reason text) returns integer
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_lease_end timestamptz := tasker.find_lease_end(p_task_id);
    v_cancelled integer := tasker.cancel_open_steps(array[p_task_id]);
begin
    update tasker.task t set ends_as = p_state, reason = p_reason, live = 0, failed = 0
    where t.task_id = p_task_id;

    with last as (
        select greatest(
            (select max(s.step_no) from tasker.step s where s.task_id = p_task_id),
            (select max(d.step_no) from tasker.step_definition d join tasker.task t using (template_id)
                where t.task_id = p_task_id)) as no
    ), undone as (
        select s.step_no, s.instance, c.definition_id, max(c.rank) over () > c.rank as later
        from tasker.step s join tasker.compensation c on c.undoes_id = s.definition_id
        where s.task_id = p_task_id
            and (s.state in ('complete', 'resolved_manually') or c.started and s.started_at is not null)
    )
    insert into tasker.step (task_id, step_no, definition_id, waiting_on, state, attempt_limit, origin_no, instance, priority)
    select p_task_id,
        case when u.instance is null then d.step_no
            else last.no + (row_number() over (partition by u.instance is null order by u.step_no))::integer end,
        d.definition_id, u.later::integer, 'pending', d.max_attempts, u.step_no, u.instance,
        (select nullif(t.priority, 0) from tasker.task t where t.task_id = p_task_id)
    from undone u join tasker.step_definition d using (definition_id) cross join last;

    perform tasker.continue_compensation(p_task_id, v_lease_end);
    perform tasker.end_children(array[t.task_id], 0) from tasker.task t where t.task_id = p_task_id and t.linked;
    return v_cancelled;
end;
$$;

comment on function tasker.compensate_task(uuid, tasker.task_state, text) is
    'Internal. Begins to undo a task; returns how many steps were cancelled.';
