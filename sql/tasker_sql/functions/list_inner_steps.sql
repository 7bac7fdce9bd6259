-- What became of the steps inside a task's compositions, as far as their runs have kept it. Reads only. Index: the primary keys.

create or replace function tasker.list_inner_steps(task_id uuid, after_no integer default 0, max_rows integer default 1000)
returns setof json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    select json_build_object('step', tasker.step_name(d.name, s.instance), 'step_no', s.step_no, 'state', s.state,
        'ran', (select coalesce(json_agg(e.told order by c.saved_at, c.name, e.n), '[]')
            from tasker.checkpoint c
            cross join lateral jsonb_array_elements(c.value -> 'steps') with ordinality as e(told, n)
            where c.task_id = s.task_id and c.step_no = s.step_no
                and split_part(c.name, ':', 1) = 'composition' and jsonb_typeof(c.value -> 'steps') = 'array'),
        'waits_for', (select w.name from tasker.wait w where w.task_id = s.task_id and w.step_no = s.step_no limit 1))
    from tasker.step s join tasker.step_definition d using (definition_id)
    where s.task_id = list_inner_steps.task_id and d.handler = 'tasker.composition'
        and s.step_no > coalesce(list_inner_steps.after_no, 0)
    order by s.step_no limit least(greatest(coalesce(list_inner_steps.max_rows, 1000), 0), 10000)
$$;

comment on function tasker.list_inner_steps(uuid, integer, integer) is
    'The steps of a task that run compositions; after_no (a step_no) gives the next page. Each is {step, step_no, state, ran: [[place, kind, '
    'state, milliseconds, code]], in the order in which it was told; waits_for: the name of the gate or wait that it has come to}. Of a pure '
    'composition, ran is empty.';
