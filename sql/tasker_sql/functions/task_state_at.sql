-- The state of an open task with so many live and so many failed steps. Internal.

create or replace function tasker.task_state_at(p_live integer, p_failed integer)
returns tasker.task_state
language sql immutable parallel safe
as $$
    select case
        when p_live > 0 then 'in_progress'::tasker.task_state
        when p_failed > 0 then 'blocked_by_failures'
        else 'complete'
    end
$$;

comment on function tasker.task_state_at(integer, integer) is
    'Internal. The state of an open task with so many live and so many failed steps.';
