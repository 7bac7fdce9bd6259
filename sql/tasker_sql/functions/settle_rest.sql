-- What becomes of tasks in which nothing is live any more and that are not complete: one that is being undone goes on with
-- that, unless a compensation has failed; one that a failure has stopped is undone, if its template says so, and else waits
-- for an operator. It gives back its places in limits that count tasks. Internal. Locks: steps and messages as close_steps; the caller holds the tasks' locks.

create or replace function tasker.settle_rest(p_tasks uuid[]) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
begin
    delete from tasker.permit r where r.task_id = any (p_tasks) and r.step_no = 0;

    perform tasker.continue_compensation(t.task_id)
    from tasker.task t where t.task_id = any (p_tasks) and t.ends_as is not null and t.failed = 0;

    perform tasker.compensate_task(t.task_id, 'error', format('step %s failed', (
        select tasker.step_name(d.name, s.instance) from tasker.step s join tasker.step_definition d using (definition_id)
        where s.task_id = t.task_id and s.state = 'error' order by s.step_no limit 1)))
    from tasker.task t join tasker.template p using (template_id)
    where t.task_id = any (p_tasks) and t.ends_as is null and t.failed > 0 and p.on_failure = 'compensate';

    perform tasker.tell_waiters(array[t.task_id])
    from tasker.task t where t.task_id = any (p_tasks) and t.linked and t.state = 'blocked_by_failures';
end;
$$;

comment on function tasker.settle_rest(uuid[]) is
    'Internal. What becomes of tasks in which nothing is live any more and that are not complete.';
