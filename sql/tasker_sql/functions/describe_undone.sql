-- What a compensation undoes, for its handler: [task, step_no, the number and the name of the step, whether it was done,
-- what it gave and, of a batch worker, what it got, by name]. Internal. Reads only. Index: the primary keys.

create or replace function tasker.describe_undone(p_task_id uuid, p_step_no integer) returns json
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select json_build_array(p_task_id, p_step_no, u.step_no, tasker.step_name(d.name, u.instance), k.done,
        case when k.done then jsonb_build_object(d.name, u.result) else '{}' end
            || case when u.instance is null then '{}' else (
                select jsonb_build_object(b.name, u.input)
                from tasker.definition_edge e join tasker.step_definition b on b.definition_id = e.from_id
                where e.to_id = d.definition_id) end)
    from tasker.step s
    join tasker.step u on u.task_id = s.task_id and u.step_no = s.origin_no
    join tasker.step_definition d on d.definition_id = u.definition_id
    cross join lateral (select u.state in ('complete', 'resolved_manually') as done) as k
    where s.task_id = p_task_id and s.step_no = p_step_no
$$;

comment on function tasker.describe_undone(uuid, integer) is
    'Internal. What a compensation undoes, for its handler.';
