-- All that handlers need to run the granted steps: the steps, their tasks' inputs, and their parents' results, each of
-- these once, however many steps share it. Of a batch worker's parent it needs its own cursor only; what a whole batch came
-- to is gathered in the order of its cursors, and what dynamic steps came to in the order in which they came. A compensation needs what it undoes, and of
-- other steps what they came to. What
-- the definition says is not repeated: workers keep it (get_definitions). Null when there is nothing to describe, or when it is
-- more than PostgreSQL can put together: one answer is less than 1 GB. Internal. Reads only. In PL/pgSQL, so that it is planned once.
-- Index: the primary keys, and definition_edge_to.

create or replace function tasker.describe_grants(
    p_tasks uuid[], p_steps integer[], p_messages bigint[], p_reads integer[]
) returns json
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
begin
    return (
    with granted as materialized (
        select s.task_id, s.step_no, s.definition_id, s.attempt, s.attempt_limit, s.deadline_at, s.instance, s.input,
            d.queue_id, d.parents, d.kind, m.msg_id, m.read_ct
        from unnest(p_tasks, p_steps, p_messages, p_reads) as m(task_id, step_no, msg_id, read_ct)
        join tasker.step s on s.task_id = m.task_id and s.step_no = m.step_no
        join tasker.step_definition d using (definition_id)
    ), parents as (
        select g.task_id, e.from_no, e.from_id, e.many
        from granted g join tasker.definition_edge e on e.to_id = g.definition_id
        where g.parents > 0 and g.instance is null and not e.guard
        union
        select g.task_id, t.step_no, t.definition_id, t.kind in ('batch_worker', 'dynamic')
        from granted g cross join lateral tasker.list_taken(g.task_id, g.definition_id) as t
        where g.kind = 'compensation'
        union
        select g.task_id, e.from_no, null, false
        from granted g join tasker.task_edge e on e.task_id = g.task_id and e.to_no = g.step_no
        where g.kind = 'dynamic'
    )
    select json_build_object(
        'steps', (select json_agg(s) from (select g.task_id, g.step_no, g.definition_id, g.queue_id, g.msg_id, g.read_ct,
                g.attempt, g.attempt_limit, extract(epoch from g.deadline_at) as deadline
            from granted g) as s),
        'instances', (select json_agg(json_build_array(g.task_id, g.step_no, g.instance, g.input))
            from granted g where g.instance is not null),
        'undone', (select json_agg(tasker.describe_undone(g.task_id, g.step_no))
            from granted g where g.kind = 'compensation'),
        'saved', (select json_agg(json_build_array(c.task_id, c.step_no, c.name, c.value))
            from granted g join tasker.checkpoint c on c.task_id = g.task_id and c.step_no = g.step_no),
        'tasks', (select json_agg(t) from (
            select t.task_id, t.input, t.context, t.correlation_id, t.tags, t.trace_context
            from (select distinct g.task_id from granted g) as g join tasker.task t using (task_id)) as t),
        'results', (select json_agg(json_build_array(s.task_id, s.step_no, s.result))
            from parents p join tasker.step s on s.task_id = p.task_id and s.step_no = p.from_no
            where not p.many),
        'gathered', (select json_agg(json_build_array(p.task_id, p.from_no,
                tasker.gather_batch(p.task_id, p.from_id)))
            from parents p
            where p.many and (exists (select from tasker.step_definition d where d.definition_id = p.from_id and d.kind = 'dynamic')
                or exists (select from tasker.definition_edge b
                    join tasker.step s on s.task_id = p.task_id and s.step_no = b.from_no where b.to_id = p.from_id))))
    where cardinality(p_tasks) > 0);
exception when program_limit_exceeded or out_of_memory or internal_error then
    return null;
end;
$$;

comment on function tasker.describe_grants(uuid[], integer[], bigint[], integer[]) is
    'Internal. All that handlers need to run the granted steps, or null when it is too much.';
