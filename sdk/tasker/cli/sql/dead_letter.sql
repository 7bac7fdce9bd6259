-- Steps that failed for good, the latest first. %(namespace)s may be null; %(max_rows)s bounds the answer.
select to_json(d)
from tasker.dead_letter as d
where %(namespace)s::text is null or d.namespace = %(namespace)s
order by d.failed_at desc, d.task_id, d.step_no
limit %(max_rows)s
