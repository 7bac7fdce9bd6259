-- Dead letters, of one cause or of all, newest tasks first. Reads only; of one cause, the newest 100,000 letters are looked
-- through. Index: task_failed, task_open, step's primary key.

create or replace function tasker.get_dead_letters(
    fingerprint text default null, namespace text default null, max_rows integer default 100
) returns setof json
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
    with letter as materialized (
        select l.* from tasker.dead_letter l
        where get_dead_letters.namespace is null or l.namespace = get_dead_letters.namespace
        order by l.task_id desc, l.step_no limit 100000
    ), marked as (
        select l.*, tasker.fingerprint_error(l.namespace, l.template, split_part(l.step, '/', 1), l.error) as fingerprint
        from letter l
    )
    select to_json(m) from marked m
    where get_dead_letters.fingerprint is null or m.fingerprint = get_dead_letters.fingerprint
    limit least(greatest(get_dead_letters.max_rows, 0), 10000)
$$;

comment on function tasker.get_dead_letters(text, text, integer) is
    'Steps that failed for good in tasks that are still open, of one fingerprint or of all, those of the newest tasks first: the columns of the '
    'view dead_letter and the fingerprint.';
