-- Answers what a step has asked, and lets it go on. Who answers first, or the time limit, wins: both are decided under the task's
-- lock. Locks: the task, the approval, the step. Index: the primary keys.

create or replace function tasker.answer_approval(
    task_id uuid, name text, approved boolean, reason text, actor text, answer jsonb default null,
    roles text[] default '{}', step_name text default null
) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_verb text := case when answer_approval.approved then 'approve' else 'reject' end;
    v_task tasker.task;
    v_approval tasker.approval;
    v_now timestamptz;
begin
    -- Of one that was answered this is said first: that its task has ended meanwhile would explain nothing.
    perform tasker.refuse_late_answer(a) from tasker.approval a
    where a.task_id = answer_approval.task_id and a.name = answer_approval.name and a.answered_at is not null
        and a = tasker.find_approval(a.task_id, a.name, answer_approval.step_name);
    v_task := tasker.lock_open_task(answer_approval.task_id, v_verb, answer_approval.reason, answer_approval.actor);
    v_approval := tasker.find_approval(v_task.task_id, answer_approval.name, answer_approval.step_name);
    if answer_approval.approved is null then
        raise exception using errcode = 'TK002', message = 'an approval is answered with true or false', hint = 'Nothing was changed.';
    end if;
    perform tasker.refuse_late_answer(v_approval);
    if v_approval.who <> '{}' and not (v_approval.who && (answer_approval.roles || answer_approval.actor)) then
        raise exception using errcode = 'TK002', message = format('%s may not answer %s: that is for %s', answer_approval.actor,
                v_approval.name, array_to_string(v_approval.who, ', ')),
            hint = 'Nothing was changed. Give the role in which you answer.';
    end if;
    if answer_approval.approved and v_approval.form is not null and answer_approval.answer is null then
        raise exception using errcode = 'TK002', message = format('approval %s has a form, which must be filled in', v_approval.name),
            hint = 'Nothing was changed. get_approval shows the form.';
    end if;
    v_now := clock_timestamp();
    update tasker.approval a
    set approved = answer_approval.approved, answer = answer_approval.answer, answered_by = answer_approval.actor,
        reason = answer_approval.reason, answered_at = v_now
    where a.task_id = v_approval.task_id and a.step_no = v_approval.step_no and a.name = v_approval.name;
    perform tasker.end_waits(array[v_approval.task_id], array[v_approval.step_no], array[jsonb_build_object(
        'approved', answer_approval.approved, 'answer', answer_approval.answer, 'by', answer_approval.actor,
        'reason', answer_approval.reason, 'at', tasker.utc_text(v_now))]);
    perform tasker.park_steps(array[v_task.task_id]);
    return tasker.record_action(v_task.task_id, v_approval.step_no, v_verb, answer_approval.reason, answer_approval.actor, 1);
end;
$$;

comment on function tasker.answer_approval(uuid, text, boolean, text, text, jsonb, text[], text) is
    'Answers what a step has asked people, and lets it go on. actor is who answers, roles those in which they do, answer what the form asks for '
    '(a client checks it against the form). Returns {task_id, state, steps}. TK002 when it is not theirs to answer, TK004 when it was '
    'answered before, or has expired.';
