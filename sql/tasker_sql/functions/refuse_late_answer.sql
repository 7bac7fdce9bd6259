-- Refuses an answer to an approval that is not open: by whom and when it was answered, or how it stands else. Internal.
-- Reads only. Index: the primary keys.

create or replace function tasker.refuse_late_answer(p_approval tasker.approval) returns void
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_state text := tasker.approval_state(p_approval);
begin
    if v_state <> 'open' then
        raise exception using errcode = 'TK004', message = format('approval %s of task %s %s', p_approval.name, p_approval.task_id,
                case when p_approval.answered_at is null then 'is ' || v_state
                    else format('was answered already: it is %s by %s, at %s', v_state, p_approval.answered_by,
                        date_trunc('second', p_approval.answered_at)) end),
            hint = 'The first answer counts, and none that comes too late.';
    end if;
end;
$$;

comment on function tasker.refuse_late_answer(tasker.approval) is
    'Internal. Refuses an answer to an approval that is not open.';
