-- The state of an open task with so many live and so many failed steps. One that is being undone ends in another way than
-- by having nothing left to do, and one that is paused stays so while anything is left. Internal.

create or replace function tasker.task_state_at(
    p_live integer, p_failed integer, p_ends_as tasker.task_state, p_paused boolean
) returns tasker.task_state
language sql immutable parallel safe
as $$
    select case
        when p_live = 0 and p_failed = 0 and p_ends_as is null then 'complete'::tasker.task_state
        when p_paused then 'paused'
        when p_live = 0 and p_failed > 0 then 'blocked_by_failures'
        else 'in_progress'
    end
$$;

comment on function tasker.task_state_at(integer, integer, tasker.task_state, boolean) is
    'Internal. The state of an open task with so many live and so many failed steps.';
