-- The state of an open task with so many live and so many failed steps. One that is being undone ends in another way than
-- by having nothing left to do. Internal.

create or replace function tasker.task_state_at(p_live integer, p_failed integer, p_ends_as tasker.task_state)
returns tasker.task_state
language sql immutable parallel safe
as $$
    select case
        when p_live > 0 then 'in_progress'::tasker.task_state
        when p_failed > 0 then 'blocked_by_failures'
        when p_ends_as is not null then 'in_progress'
        else 'complete'
    end
$$;

comment on function tasker.task_state_at(integer, integer, tasker.task_state) is
    'Internal. The state of an open task with so many live and so many failed steps.';
