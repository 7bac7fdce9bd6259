-- The definitions whose results a compensation's handler is given: of those it takes, the ones that are done. Internal.
-- Reads only. Index: the primary keys.

create or replace function tasker.list_taken(p_task_id uuid, p_definition_id integer) returns setof tasker.step_definition
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select t.* from tasker.compensation c join tasker.step_definition t on t.definition_id = any (c.takes)
    where c.definition_id = p_definition_id and (t.kind in ('batch_worker', 'dynamic') or exists (
        select from tasker.step s where s.task_id = p_task_id and s.step_no = t.step_no
            and s.state in ('complete', 'resolved_manually')))
$$;

comment on function tasker.list_taken(uuid, integer) is
    'Internal. The definitions whose results a compensation''s handler is given.';
