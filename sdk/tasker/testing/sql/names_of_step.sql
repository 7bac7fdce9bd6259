-- By what names a fault may mean a step: its own, and that of its definition, which a batch's steps share.

create function tasker_testing.names_of_step(task_id uuid, step_no integer) returns text[]
language sql stable
as $$
    select array[tasker.step_name(d.name, s.instance), d.name]
    from tasker.step s join tasker.step_definition d using (definition_id)
    where s.task_id = names_of_step.task_id and s.step_no = names_of_step.step_no
$$;
