-- What change_tasks would come to now, without changing anything. Reads only. Index: as find_tasks.

create or replace function tasker.plan_change(
    verb text, filter jsonb, before uuid default null, max_rows integer default 1000
) returns json
language plpgsql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_page record;
begin
    perform tasker.check_change(plan_change.verb, plan_change.filter, 'a plan', 'nobody');
    v_page := tasker.find_tasks(plan_change.filter, plan_change.before, least(greatest(plan_change.max_rows, 1), 1000));
    return (
        select json_build_object(
            'changed', coalesce(array_agg(k.task_id order by k.task_id) filter (where k.why is null), '{}'),
            'skipped', tasker.count_texts(array_agg(k.why) filter (where k.why is not null)), 'next', v_page.next)
        from (select t.task_id, tasker.find_change_fault(t, plan_change.verb) as why
            from tasker.task t where t.task_id = any (v_page.ids)) as k);
end;
$$;

comment on function tasker.plan_change(text, jsonb, uuid, integer) is
    'A dry run of change_tasks: what it would come to now, as it returns it. Nothing is changed.';
