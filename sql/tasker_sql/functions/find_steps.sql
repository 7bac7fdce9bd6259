-- The numbers of a task's steps by their names; the name alone of a batch's workers, or of dynamic steps, means all of them.
-- Raises TK001 with the names there are. Internal. Reads only. Index: step's primary key.

create or replace function tasker.find_steps(p_task_id uuid, p_names text[]) returns integer[]
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_steps integer[];
    v_found text[];
begin
    select array_agg(s.step_no), array_agg(n.name) into v_steps, v_found
    from tasker.step s join tasker.step_definition d using (definition_id)
    join unnest(p_names) as n(name) on n.name in (d.name, tasker.step_name(d.name, s.instance))
    where s.task_id = p_task_id;
    -- One that is not there has find_step say so.
    perform tasker.find_step(p_task_id, n.name) from unnest(p_names) as n(name) where n.name <> all (coalesce(v_found, '{}'));
    return coalesce(v_steps, '{}');
end;
$$;

comment on function tasker.find_steps(uuid, text[]) is
    'Internal. The numbers of a task''s steps by their names.';
