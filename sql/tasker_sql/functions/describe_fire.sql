-- One fire as JSON. Internal. Reads only. Index: the primary key of tasks.

create or replace function tasker.describe_fire(p_fire tasker.fire) returns json
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select json_build_object(
        'fire_id', p_fire.fire_id, 'fire_at', p_fire.fire_at, 'origin', p_fire.origin, 'state', p_fire.state,
        'task_id', p_fire.task_id, 'task_state', (select t.state from tasker.task t where t.task_id = p_fire.task_id),
        'note', p_fire.note, 'decided_at', p_fire.decided_at, 'started_at', p_fire.started_at)
$$;

comment on function tasker.describe_fire(tasker.fire) is
    'Internal. One fire as JSON.';
