-- Dead letters in groups of one cause each. Reads only; looks at the newest tasks that have some, up to `look_at` letters.
-- Index: task_failed, task_open, step's primary key.

create or replace function tasker.list_dead_letters(namespace text default null, look_at integer default 10000) returns json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    with letter as materialized (
        select l.*, split_part(l.step, '/', 1) as name
        from tasker.dead_letter l
        where list_dead_letters.namespace is null or l.namespace = list_dead_letters.namespace
        order by l.task_id desc limit least(greatest(list_dead_letters.look_at, 1), 100000)
    ), marked as (
        select l.*, tasker.fingerprint_error(l.namespace, l.template, l.name, l.error) as fingerprint from letter l
    ), latest as (
        select distinct on (m.fingerprint) m.* from marked m order by m.fingerprint, m.failed_at desc, m.task_id desc
    ), grouped as (
        select m.fingerprint, count(*) as count, count(distinct m.task_id) as tasks, min(m.failed_at) as first_at,
            max(m.failed_at) as last_at
        from marked m group by m.fingerprint
    )
    select json_build_object('letters', (select count(*) from letter),
        'more', (select count(*) from letter) >= least(greatest(list_dead_letters.look_at, 1), 100000),
        'groups', coalesce(json_agg(json_build_object('fingerprint', g.fingerprint, 'count', g.count, 'tasks', g.tasks,
            'first_at', g.first_at, 'last_at', g.last_at, 'namespace', l.namespace, 'template', l.template, 'step', l.name,
            'type', l.error ->> 'type', 'message', l.error ->> 'message', 'task_id', l.task_id, 'example', l.step)
            order by g.count desc, g.last_at desc), '[]'))
    from grouped g join latest l using (fingerprint)
$$;

comment on function tasker.list_dead_letters(text, integer) is
    'Steps that failed for good in tasks that are still open, in groups of one cause: same template, step and type of error, and '
    'same message but for numbers, ids, quoted texts and paths. Returns {groups, the largest first: [{fingerprint, count, tasks, '
    'first_at, last_at, namespace, template, step, type, and of the latest: message, task_id, example: its step}], letters: how many were '
    'looked at, more: whether there may be others}; it looks at up to look_at letters of the newest tasks, 100,000 at most.';
