-- A step's key in a limit: what the JSON path finds first in its task's input, where $item is a batch worker's item and
-- $context the task's context. No path, or nothing found: the empty key. A long one is cut, and told apart by its hash.
-- Internal. Reads nothing but its arguments.

create or replace function tasker.find_limit_key(p_path text, p_task tasker.task, p_step tasker.step) returns text
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select case when length(k.key) > 200 then left(k.key, 160) || '…' || md5(k.key) else coalesce(k.key, '') end
    from (select case when p_path is not null then jsonb_path_query_first(p_task.input, p_path::jsonpath,
        jsonb_build_object('item', p_step.input, 'context', p_task.context), true) #>> '{}' end) as k(key)
$$;

comment on function tasker.find_limit_key(text, tasker.task, tasker.step) is
    'Internal. A step''s key in a limit.';
