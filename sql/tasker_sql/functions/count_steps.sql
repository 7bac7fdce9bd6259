-- A task's steps counted by state, and when the first was started. Internal. Reads only. Index: step's primary key.

create or replace function tasker.count_steps(p_task_id uuid, out started_at timestamptz, out counts json) returns record
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    select min(s.started_at), json_build_object(
        'total', count(*),
        'pending', count(*) filter (where s.state = 'pending'),
        'enqueued', count(*) filter (where s.state = 'enqueued'),
        'in_progress', count(*) filter (where s.state = 'in_progress'),
        'waiting_for_retry', count(*) filter (where s.state = 'waiting_for_retry'),
        'waiting', count(*) filter (where s.state = 'waiting'),
        'complete', count(*) filter (where s.state = 'complete'),
        'error', count(*) filter (where s.state = 'error'),
        'cancelled', count(*) filter (where s.state = 'cancelled'),
        'resolved_manually', count(*) filter (where s.state = 'resolved_manually'),
        'tolerated', count(*) filter (where s.state = 'tolerated'))
    from tasker.step s where s.task_id = p_task_id
$$;

comment on function tasker.count_steps(uuid) is
    'Internal. A task''s steps counted by state.';
