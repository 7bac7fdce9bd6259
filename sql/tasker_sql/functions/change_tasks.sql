-- Does one of an operator's verbs to a page of the tasks that fit a filter, in one transaction; those that it cannot be done
-- to are counted, by why. A task may have moved on between being found and being locked: what fits no more is left alone.
-- Locks: the tasks of the page, by id; then each one's steps and messages as the verb. Index: as find_tasks.

create or replace function tasker.change_tasks(
    verb text, filter jsonb, reason text, actor text, before uuid default null, max_rows integer default 100
) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_page record;
    v_task tasker.task;
    v_why text;
    v_fitting uuid[];
    v_changed uuid[] := '{}';
    v_skipped text[] := '{}';
begin
    perform tasker.check_change(change_tasks.verb, change_tasks.filter, change_tasks.reason, change_tasks.actor);
    v_page := tasker.find_tasks(change_tasks.filter, change_tasks.before, least(greatest(change_tasks.max_rows, 1), 1000));
    perform from (select from tasker.task t where t.task_id = any (v_page.ids) order by t.task_id for no key update) as held;
    v_fitting := (tasker.find_tasks(change_tasks.filter, null, cardinality(v_page.ids), v_page.ids)).ids;
    for v_task in select t.* from tasker.task t where t.task_id = any (v_page.ids) order by t.task_id loop
        v_why := case when v_task.task_id <> all (v_fitting) then 'it has moved on, and fits no more'
            else tasker.find_change_fault(v_task, change_tasks.verb) end;
        if v_why is null then
            perform tasker.change_task(v_task.task_id, change_tasks.verb, change_tasks.reason, change_tasks.actor);
            v_changed := v_changed || v_task.task_id;
        else
            v_skipped := v_skipped || v_why;
        end if;
    end loop;
    return json_build_object('changed', v_changed, 'skipped', tasker.count_texts(v_skipped), 'next', v_page.next);
end;
$$;

comment on function tasker.change_tasks(text, jsonb, text, text, uuid, integer) is
    'Does a verb (cancel, compensate, retry, pause, resume or resolve) to up to max_rows of the tasks that fit a filter (as '
    'list_tasks takes it), newest first, before a task id. Each is recorded in tasker.action. Returns {changed: their ids, '
    'skipped: {why: how many}, next: the id to go on before, or null}; call it again until that is null, each time in a '
    'transaction of its own. TK002 for a verb or a filter that is none, and for an empty filter.';
