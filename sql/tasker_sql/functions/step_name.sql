-- What a step is called in its task: as in its template, and in a batch with its place in it. Names have no slash of their
-- own. Internal.

create or replace function tasker.step_name(p_name text, p_instance integer) returns text
language sql immutable parallel safe
as $$
    select p_name || coalesce('/' || p_instance, '')
$$;

comment on function tasker.step_name(text, integer) is
    'Internal. What a step is called in its task.';
