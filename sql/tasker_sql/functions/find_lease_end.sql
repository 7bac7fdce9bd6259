-- When the last lease of a task's steps ends that a worker holds now; null when none is held. No worker is granted any of
-- them before the caller's transaction ends. Internal.
-- Locks: the steps that are open; the caller holds the task's lock. Index: the primary keys.

create or replace function tasker.find_lease_end(p_task_id uuid) returns timestamptz
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_queue tasker.queue;
    v_end timestamptz;
    v_last timestamptz;
begin
    perform from tasker.step s where s.task_id = p_task_id and s.state in ('enqueued', 'in_progress')
    order by s.step_no for update;
    for v_queue in
        select distinct q.* from tasker.step s
        join tasker.step_definition d using (definition_id) join tasker.queue q using (queue_id)
        where s.task_id = p_task_id and s.state = 'in_progress'
    loop
        execute format('select max(m.vt) from tasker.step s join %s m on m.msg_id = s.msg_id
            where s.task_id = $1 and s.state = ''in_progress'' and s.definition_id in (
                select d.definition_id from tasker.step_definition d where d.queue_id = $2)', v_queue.message_table)
        into v_end using p_task_id, v_queue.queue_id;
        v_last := greatest(v_last, v_end);
    end loop;
    return v_last;
end;
$$;

comment on function tasker.find_lease_end(uuid) is
    'Internal. When the last lease ends that a worker holds of a task''s steps.';
