-- The steps that tasks under way still need, so that a deployment can be held against them. A step that has no row yet may
-- come as long as one before it is not done that can bring steps: a decision, a batch, one that may ask for dynamic steps.
-- Reads only. Indexes: task_open, so history costs nothing, and step's key.

create or replace function tasker.list_needed_steps() returns json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
set jit = off
as $$
    with recursive under_way as materialized (
        select t.task_id, t.template_id from tasker.task t
        where t.state in ('pending', 'in_progress', 'waiting', 'paused', 'blocked_by_failures')
    ), used as materialized (
        select u.template_id, count(*) as tasks from under_way u group by u.template_id
    ), met as materialized (
        select s.definition_id, s.task_id, bool_and(s.state in ('complete', 'cancelled', 'resolved_manually')) as done
        from under_way u join tasker.step s using (task_id) group by s.definition_id, s.task_id
    ), definition as materialized (
        select d.* from used u join tasker.step_definition d using (template_id)
    ), way as materialized (
        select e.from_id, e.to_id from definition d join tasker.definition_edge e on e.to_id = d.definition_id
        where not d.initial
        union
        select a.definition_id, d.definition_id
        from definition a join definition d using (template_id)
        where d.kind = 'dynamic' and d.name = any (a.expands)
    ), brings (by_id, definition_id) as (
        select w.from_id, w.to_id from way w join definition d on d.definition_id = w.from_id
        where d.kind in ('decision', 'batchable') or d.expands <> '{}'
        union
        select b.by_id, w.to_id from brings b join way w on w.from_id = b.definition_id
    ), needed as (
        select m.definition_id, m.task_id from met m where not m.done
        union
        select b.definition_id, m.task_id from brings b join met m on m.definition_id = b.by_id where not m.done
        union
        select d.definition_id, u.task_id from definition d join under_way u using (template_id)
        where d.kind = 'compensation'
            and not exists (select from met m where m.definition_id = d.definition_id and m.task_id = u.task_id and m.done)
    )
    select coalesce(json_agg(json_build_object('namespace', n.name, 'template', t.name, 'version', t.version, 'step', d.name,
            'kind', d.kind, 'handler', d.handler, 'tasks', c.tasks)
        order by n.name, t.name, t.template_id, d.step_no), '[]')
    from (select needed.definition_id, count(*) as tasks from needed group by needed.definition_id) as c
    join definition d using (definition_id)
    join tasker.template t using (template_id)
    join tasker.namespace n using (namespace_id)
$$;

comment on function tasker.list_needed_steps() is
    'The steps that tasks under way still need, or may: [{namespace, template, version, step, kind, handler, tasks}], by '
    'version of a template, with how many tasks need each. Compensations are among them until they are done.';
