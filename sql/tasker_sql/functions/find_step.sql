-- A task's step by name; raises TK001 with the names there are. Internal. Reads only. Index: step's primary key.

create or replace function tasker.find_step(p_task_id uuid, p_name text) returns tasker.step
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_step tasker.step;
    v_names text;
begin
    select s.* into v_step from tasker.step s join tasker.step_definition d using (definition_id)
    where s.task_id = p_task_id and tasker.step_name(d.name, s.instance) = p_name;
    if found then
        return v_step;
    end if;
    select string_agg(n.name, ', ') into v_names from (
        select tasker.step_name(d.name, s.instance) as name from tasker.step s join tasker.step_definition d using (definition_id)
        where s.task_id = p_task_id order by s.step_no limit 20) as n;
    raise exception using errcode = 'TK001',
        message = case when v_names is null then format('no task %s', p_task_id)
            else format('task %s has no step %L', p_task_id, p_name) end,
        hint = coalesce('Its steps are: ' || v_names || '.', 'It may have been pruned, or belong to another database.');
end;
$$;

comment on function tasker.find_step(uuid, text) is
    'Internal. A task''s step by name.';
