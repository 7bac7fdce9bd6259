-- Pauses open tasks whose template is paused, for the reason that is; others are left alone. Returns which it paused. Internal.
-- Locks: the tasks, by id, then their steps and messages as park_steps. Index: the primary keys, template_action_template.

create or replace function tasker.hold_tasks(p_tasks uuid[]) returns uuid[]
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_held uuid[];
begin
    perform from (select from tasker.task t where t.task_id = any (p_tasks) order by t.task_id for no key update) as held;
    with paused as (
        update tasker.task t set state = 'paused'
        from tasker.template p
        where t.task_id = any (p_tasks) and p.template_id = t.template_id and p.paused
            and t.state in ('pending', 'in_progress', 'waiting', 'blocked_by_failures')
        returning t.task_id, t.template_id
    ), recorded as (
        insert into tasker.action (task_id, verb, reason, actor)
        select t.task_id, 'pause_template', a.reason, a.actor
        from paused t cross join lateral (select l.reason, l.actor from tasker.template_action l
            where l.template_id = t.template_id order by l.action_id desc limit 1) as a
    )
    select array_agg(t.task_id order by t.task_id) into v_held from paused t;
    perform tasker.park_steps(v_held);
    return coalesce(v_held, '{}');
end;
$$;

comment on function tasker.hold_tasks(uuid[]) is
    'Internal. Pauses open tasks whose template is paused; returns which.';
