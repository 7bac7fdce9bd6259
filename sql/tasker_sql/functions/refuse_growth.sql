-- Fails for good, of steps that have just completed, those whose result a decision or a batch cannot have, and those that
-- cannot have the steps they asked for. Returns their
-- tasks, one entry per step. Internal. Locks: steps; the caller holds the tasks' locks. Index: the primary keys.

create or replace function tasker.refuse_growth(p_tasks uuid[], p_steps integer[]) returns uuid[]
language sql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
    with done as (
        select s, coalesce(sum(case jsonb_typeof(s.expansion) when 'array' then jsonb_array_length(s.expansion) end) over (
            partition by s.task_id order by s.step_no rows between unbounded preceding and 1 preceding), 0)::bigint as before
        from unnest(p_tasks, p_steps) as c(task_id, step_no) join tasker.step s using (task_id, step_no)
    ), fault as (
        select (c.s).task_id, (c.s).step_no, (c.s).attempt, (c.s).worker_id, (c.s).started_at,
            jsonb_build_object('type', 'GrowthRefused', 'message', f.what) as error
        from done c join tasker.step_definition d on d.definition_id = (c.s).definition_id
        cross join lateral (select coalesce(
            tasker.find_growth_fault(d, (c.s).result), tasker.find_expansion_fault(c.s, d, c.before))) as f(what)
        where f.what is not null and (d.kind in ('decision', 'batchable') or (c.s).expansion is not null)
    ), ended as (
        insert into tasker.attempt (task_id, step_no, attempt, outcome, worker_id, started_at, error)
        select f.task_id, f.step_no, f.attempt, 'error', f.worker_id, f.started_at, f.error from fault f
    ), failed as (
        update tasker.step s set state = 'error', error = f.error, result = null, expansion = null
        from fault f where s.task_id = f.task_id and s.step_no = f.step_no
        returning s.task_id
    )
    select array_agg(f.task_id) from failed f
$$;

comment on function tasker.refuse_growth(uuid[], integer[]) is
    'Internal. Fails completed steps whose result, or what they asked for, cannot be.';
