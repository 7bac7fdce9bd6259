-- Locks a schedule and returns it; raises TK001 when there is none. Internal. Schedules are locked before tasks.
-- Locks: the schedule. Index: schedule (namespace_id, name).

create or replace function tasker.lock_schedule(p_namespace text, p_name text) returns tasker.schedule
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_schedule tasker.schedule;
    v_known text;
begin
    select s.* into v_schedule from tasker.schedule s
    where s.name = p_name and s.namespace_id = (select n.namespace_id from tasker.namespace n where n.name = p_namespace)
    for update;
    if found then
        return v_schedule;
    end if;
    select string_agg(k.label, ', ') into v_known from (
        select n.name || '/' || s.name as label from tasker.schedule s join tasker.namespace n using (namespace_id)
        order by n.name = p_namespace desc, s.name limit 5) as k;
    raise exception using errcode = 'TK001', message = format('no schedule %s/%s', p_namespace, p_name),
        hint = coalesce('There are: ' || v_known || '.', 'There is none yet: create one first.');
end;
$$;

comment on function tasker.lock_schedule(text, text) is
    'Internal. Locks a schedule; raises TK001 when there is none.';
