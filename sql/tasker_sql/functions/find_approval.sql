-- The approval of a task by its name, and its step's where several ask under one name; raises TK001 with those there are, TK002
-- when the step must be named. Internal. Reads only. Index: approval's primary key.

create or replace function tasker.find_approval(p_task_id uuid, p_name text, p_step_name text) returns tasker.approval
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_found tasker.approval[];
    v_names text;
begin
    select array_agg(a) into v_found
    from tasker.approval a
    join tasker.step s using (task_id, step_no) join tasker.step_definition d using (definition_id)
    where a.task_id = p_task_id and a.name = p_name
        and (p_step_name is null or tasker.step_name(d.name, s.instance) = p_step_name);
    if cardinality(v_found) = 1 then
        return v_found[1];
    end if;
    select string_agg(tasker.step_name(d.name, s.instance) || ': ' || a.name, ', ' order by a.step_no, a.asked_at) into v_names
    from tasker.approval a
    join tasker.step s using (task_id, step_no) join tasker.step_definition d using (definition_id)
    where a.task_id = p_task_id;
    if v_found is not null then
        raise exception using errcode = 'TK002', message = format('several steps ask for %s', p_name),
            hint = format('Name the step: %s.', v_names);
    end if;
    raise exception using errcode = 'TK001', message = format('task %s asks for no approval %L', p_task_id, p_name),
        hint = coalesce('It has asked for: ' || v_names || '.', 'None of its steps has asked anybody.');
end;
$$;

comment on function tasker.find_approval(uuid, text, text) is
    'Internal. The approval of a task by its name.';
