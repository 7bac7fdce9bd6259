-- What a batch, or dynamic steps of one name, came to, in the order of its cursors: an array of its workers' results, or, where it goes on without those
-- that fail, {results, failures: [{instance, input, error}]}. Internal. Reads only. Index: step's primary key.

create or replace function tasker.gather_batch(p_task_id uuid, p_definition_id integer) returns jsonb
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select case d.on_failure when 'continue' then jsonb_build_object('results', w.results, 'failures', w.failures)
        else w.results end
    from tasker.step_definition d cross join lateral (
        select coalesce(jsonb_agg(s.result order by s.instance) filter (where s.state <> 'tolerated'), '[]') as results,
            coalesce(jsonb_agg(jsonb_build_object('instance', s.instance, 'input', s.input,
                'error', s.error - 'traceback' - 'kinds') order by s.instance) filter (where s.state = 'tolerated'), '[]') as failures
        from tasker.step s where s.task_id = p_task_id and s.definition_id = p_definition_id) as w
    where d.definition_id = p_definition_id
$$;

comment on function tasker.gather_batch(uuid, integer) is
    'Internal. What a batch came to, in the order of its cursors.';
