-- What a compensation stands behind, as names: the step that it undoes, and the compensations of the rank before its own.
-- Internal. Reads only. Index: the primary keys.

create or replace function tasker.list_undone_before(p_step tasker.step) returns jsonb
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    with other as (
        select c.definition_id, c.rank from tasker.compensation own
        join tasker.step_definition d using (definition_id)
        join tasker.step_definition k on k.template_id = d.template_id and k.kind = 'compensation'
        join tasker.compensation c on c.definition_id = k.definition_id and c.rank > own.rank
        where own.definition_id = p_step.definition_id
            and exists (select from tasker.step s where s.task_id = p_step.task_id and s.definition_id = c.definition_id)
    )
    select jsonb_agg(d.name order by d.step_no) from tasker.step_definition d
    where d.definition_id = (select c.undoes_id from tasker.compensation c where c.definition_id = p_step.definition_id)
        or d.definition_id in (select o.definition_id from other o where o.rank = (select min(o.rank) from other o))
$$;

comment on function tasker.list_undone_before(tasker.step) is
    'Internal. What a compensation stands behind, as names.';
