-- Which steps of a repeated task could run now, and are done in the original under the same name and kind, and not to run
-- again: their numbers in both, and their definitions. A worker of a batch may be done before its turn. Internal. Reads only.
-- What is written in this transaction has no statistics, and may be a batch of 100,000, so joins hash. Index: step's primary
-- key, step_definition's (template_id, step_no).

create or replace function tasker.find_keepable_steps(
    p_task_id uuid, p_original_id uuid, p_again integer[],
    out steps integer[], out originals integer[], out definitions integer[], out live uuid[]
) returns record
language sql stable
set search_path = pg_catalog, tasker, pg_temp
set enable_nestloop = off
set jit = off
set enable_mergejoin = off
as $$
    with waiting as materialized (
        select s.step_no, s.definition_id, s.waiting_on, d.name, d.kind, coalesce(s.instance, 0) as instance
        from tasker.step s join tasker.step_definition d using (definition_id)
        where s.task_id = p_task_id and s.state in ('enqueued', 'pending') and (s.waiting_on = 0 or d.kind = 'batch_worker')
            and d.template_id = (select t.template_id from tasker.task t where t.task_id = p_task_id)
    ), done as materialized (
        select s.step_no, d.name, d.kind, coalesce(s.instance, 0) as instance
        from tasker.step s join tasker.step_definition d using (definition_id)
        where s.task_id = p_original_id and s.state in ('complete', 'resolved_manually', 'tolerated') and s.step_no <> all (p_again)
            and d.template_id = (select t.template_id from tasker.task t where t.task_id = p_original_id)
    )
    select array_agg(w.step_no order by w.step_no), array_agg(o.step_no order by w.step_no),
        array_agg(w.definition_id order by w.step_no), array_agg(p_task_id) filter (where w.waiting_on = 0)
    from waiting w join done o using (name, kind, instance)
$$;

comment on function tasker.find_keepable_steps(uuid, uuid, integer[]) is
    'Internal. Which steps of a repeated task could run now, and are done in the original.';
