-- Why a verb cannot be done to a whole task as it stands, in a few words, or null. What the verbs themselves refuse, said
-- without trying; a test holds both to it. Internal. Reads nothing but its arguments.

create or replace function tasker.find_change_fault(t tasker.task, p_verb text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, tasker, pg_temp
as $$
    select case
        when t.state in ('complete', 'error', 'cancelled', 'resolved_manually') then 'it has ended (' || t.state || ')'
        when p_verb in ('cancel', 'compensate') and t.ends_as is not null then 'it is being undone'
        when p_verb = 'retry' and t.failed = 0 then 'no step of it has failed'
        when p_verb = 'pause' and t.state = 'paused' then 'it is paused already'
        when p_verb = 'resume' and t.state <> 'paused' then 'it is not paused'
    end
$$;

comment on function tasker.find_change_fault(tasker.task, text) is
    'Internal. Why a verb cannot be done to a whole task as it stands, or null.';
