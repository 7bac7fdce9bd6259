-- Steps that failed for good and wait for an operator. Index: task_open; only tasks with a failed step are looked into.

create or replace view tasker.dead_letter as
select s.task_id, s.step_no, n.name as namespace, p.name as template, p.version, d.name || coalesce('/' || s.instance, '') as step, s.attempt, s.error,
    s.completed_at as failed_at
from tasker.task t
join tasker.step s using (task_id)
join tasker.step_definition d using (definition_id)
join tasker.template p on p.template_id = t.template_id
join tasker.namespace n using (namespace_id)
where t.state in ('in_progress', 'waiting', 'paused', 'blocked_by_failures') and t.failed > 0 and s.state = 'error'
    and (t.ends_as is null or d.kind = 'compensation');

comment on view tasker.dead_letter is
    'Steps out of attempts, or failed for good, in tasks that are still open: to be retried, resolved or cancelled.';
