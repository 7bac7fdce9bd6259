-- Recounts a task's invariants. For tests, and for operators who doubt. Reads only; counts from one snapshot.
-- A task may have 100,000 steps, so that nothing is counted once for each: what belongs together is counted once and joined,
-- and the joins hash, whatever the statistics say. Index: the primary keys, definition_edge_to, step_definition's (template_id, step_no).

create or replace function tasker.verify(task_id uuid) returns setof text
language sql stable security definer
set search_path = pg_catalog, tasker, pg_temp
set enable_seqscan = off
set enable_nestloop = off
set jit = off
as $$
    with t as (
        select t.*, t.state in ('pending', 'in_progress', 'waiting', 'paused', 'blocked_by_failures') as open,
            tasker.starts_later(t.task_id) as later
        from tasker.task t where t.task_id = verify.task_id
    ), d as materialized (
        select d.* from tasker.step_definition d where d.template_id = (select t.template_id from t)
    ), own as materialized (
        select s.*, tasker.step_name(d.name, s.instance) as name, d.kind,
            s.state not in ('complete', 'resolved_manually', 'tolerated') as unresolved
        from tasker.step s join d using (definition_id) where s.task_id = verify.task_id
    ), counted as materialized (
        select o.definition_id, count(*) as n, count(*) filter (where o.unresolved) as unresolved from own o group by o.definition_id
    ), parents as materialized (
        select e.to_id, sum(c.unresolved) as n
        from tasker.definition_edge e join counted c on c.definition_id = e.from_id
        where e.to_id = any (array(select d.definition_id from d)) group by e.to_id
    ), asked as materialized (
        select e.to_no, count(*) as n from tasker.task_edge e join own p on p.step_no = e.from_no
        where e.task_id = verify.task_id and p.unresolved group by e.to_no
    ), undoing as materialized (
        select c.definition_id, c.rank from tasker.compensation c where c.definition_id = any (array(select d.definition_id from d))
    ), s as materialized (
        select o.task_id, o.step_no, o.definition_id, o.state, o.waiting_on, o.instance, o.origin_no, o.started_at, o.attempt,
            o.attempt_limit, o.expansion, o.result, o.depth, o.name, o.kind,
            o.state in ('enqueued', 'in_progress', 'waiting_for_retry', 'waiting')
                or o.state = 'pending' and o.waiting_on = 0 and not (select t.later from t)
                    and (select t.state = 'paused' from t) as live,
            coalesce(p.n, 0) + coalesce(a.n, 0)
                + coalesce(o.state = 'pending' and o.instance > b.released, false)::integer
                + coalesce(o.unresolved and o.state <> 'cancelled' and u.rank < (select max(u.rank) from undoing u join own k using (definition_id)
                    where k.state not in ('complete', 'resolved_manually')), false)::integer as unresolved,
            m.step_no is not null as has_message, r.step_no is not null as has_retry
        from own o
        left join parents p on p.to_id = o.definition_id
        left join asked a on a.to_no = o.step_no
        left join tasker.batch b on b.task_id = verify.task_id and b.definition_id = o.definition_id
        left join undoing u on u.definition_id = o.definition_id
        left join tasker.list_messages(verify.task_id) as m(step_no) on m.step_no = o.step_no
        left join tasker.timer r on r.task_id = verify.task_id and r.step_no = o.step_no and r.kind = 'retry'
    )
    select format('no task %s', verify.task_id) where not exists (select from t)
    union all
    select format('live is %s, but %s steps are', t.live, k.n)
    from t, (select count(*) filter (where s.live) as n from s) as k where t.live <> k.n
    union all
    select format('failed is %s, but %s steps are', t.failed, k.n)
    from t, lateral (select count(*) as n from s
        where s.state = 'error' and (t.ends_as is null or s.kind = 'compensation')) as k where t.open and t.failed <> k.n
    union all
    select format('step %s of its template is %s, but there are %s of it', d.name,
        case when k.chosen then 'to be' else 'not to be (yet)' end, coalesce(c.n, 0))
    from d
    left join (select unnest(g.chosen) as definition_id from tasker.determine_steps(verify.task_id) as g) as g using (definition_id)
    left join counted c using (definition_id)
    cross join lateral (select g.definition_id is not null as chosen,
        (select jsonb_array_length(b.result) from tasker.definition_edge e join s as b on b.definition_id = e.from_id
            where e.to_id = d.definition_id and d.kind = 'batch_worker' and jsonb_typeof(b.result) = 'array') as size) as k
    where d.kind not in ('compensation', 'dynamic')
        and coalesce(c.n, 0) <> case when not k.chosen then 0 when d.kind = 'batch_worker' then k.size else 1 end
    union all
    select format('step %s asked for %s steps, but %s came of it', s.name, jsonb_array_length(s.expansion), coalesce(b.n, 0))
    from s left join (select b.origin_no, count(*) as n from s as b where b.kind = 'dynamic' group by b.origin_no) as b
        on b.origin_no = s.step_no
    where s.state in ('complete', 'resolved_manually') and jsonb_array_length(coalesce(s.expansion, '[]')) <> coalesce(b.n, 0)
    union all
    select format('%s steps are dynamic, the deepest at %s, of at most %s and %s', k.n, k.deepest, p.max_steps, p.max_depth)
    from t join tasker.template p using (template_id)
    cross join (select count(*) as n, max(s.depth) as deepest from s where s.kind = 'dynamic') as k
    where k.n > p.max_steps or k.deepest > p.max_depth
    union all
    select format('step %s is undone %s times', s.name, coalesce(u.n, 0))
    from t cross join s
    left join (select u.origin_no, count(*) as n from s as u where u.kind = 'compensation' group by u.origin_no) as u
        on u.origin_no = s.step_no
    where coalesce(u.n, 0) <> exists (select from tasker.compensation c
        where c.undoes_id = s.definition_id and t.ends_as is not null
            and (s.state in ('complete', 'resolved_manually') or c.started and s.started_at is not null))::integer
    union all
    select format('the task is %s, but step %s is %s', t.state, s.name, s.state)
    from t, s where not t.open and s.state in ('pending', 'enqueued', 'in_progress', 'waiting_for_retry', 'waiting')
        or t.state = 'complete' and s.state not in ('complete', 'resolved_manually', 'tolerated')
    union all
    select format('the task is %s with live %s and failed %s', t.state, t.live, t.failed)
    from t where t.state = 'in_progress' and t.live = 0
        or t.state = 'paused' and t.live = 0 and t.failed = 0 and not t.later
        or t.state = 'blocked_by_failures' and (t.live > 0 or t.failed = 0)
        or t.state = 'complete' and t.failed > 0
    union all
    select format('the task is %s, but completed_at is %s', t.state, t.completed_at)
    from t where t.open <> (t.completed_at is null)
    union all
    select format('step %s waits on %s parents, but %s are unresolved', s.name, s.waiting_on, s.unresolved)
    from s where s.state = 'pending' and s.waiting_on <> s.unresolved
    union all
    select format('step %s is %s before %s of its parents', s.name, s.state, s.unresolved)
    from s where (s.live or s.state = 'error') and s.unresolved > 0
    union all
    select format('step %s is pending with nothing to wait for', s.name)
    from s, t where s.state = 'pending' and s.waiting_on = 0 and t.state not in ('pending', 'paused')
    union all
    select format('step %s is enqueued, but its task is paused', s.name)
    from s, t where s.state = 'enqueued' and t.state = 'paused'
    union all
    select format('step %s is %s, but its message is %s', s.name, s.state, case when s.has_message then 'there' else 'missing' end)
    from s where s.has_message <> (s.state in ('enqueued', 'in_progress'))
    union all
    select format('step %s is %s, but its retry timer is %s', s.name, s.state, case when s.has_retry then 'there' else 'missing' end)
    from s where s.has_retry <> (s.state = 'waiting_for_retry')
    union all
    select format('step %s is %s, but what it waits for is %s', s.name, s.state, case when k.there then 'there' else 'missing' end)
    from s cross join lateral (select exists (select from tasker.wait w
        where w.task_id = s.task_id and w.step_no = s.step_no) as there) as k
    where k.there <> (s.state = 'waiting')
    union all
    select format('step %s waits for task %s, which is %s', s.name, w.awaits, coalesce(a.state::text, 'gone'))
    from s join tasker.wait w on w.task_id = s.task_id and w.step_no = s.step_no
    left join tasker.task a on a.task_id = w.awaits
    where w.awaits is not null and (a.task_id is null or a.state in ('complete', 'error', 'cancelled', 'resolved_manually')
            or a.state = 'blocked_by_failures' and w.until_blocked or not a.linked)
        and not exists (select from tasker.timer r where r.task_id = s.task_id and r.step_no = s.step_no and r.kind = 'task_ended')
    union all
    select format('the task is %s, but as a child it is %s', t.state, case when c.open then 'open' else 'ended' end)
    from t join tasker.child c on c.child_id = t.task_id where c.open <> t.open or not t.linked
    union all
    select format('as a child it stands %s deep, and its parent %s', c.depth, coalesce(u.depth, 0))
    from t join tasker.child c on c.child_id = t.task_id join tasker.task p on p.task_id = c.parent_id
    left join tasker.child u on u.child_id = c.parent_id
    where c.depth <> coalesce(u.depth, 0) + 1
    union all
    select format('the task is %s, but its child %s goes on', coalesce(t.ends_as, t.state), c.child_id)
    from t join tasker.child c on c.parent_id = t.task_id join tasker.task k on k.task_id = c.child_id
    where c.open and c.on_parent_end = 'cancel' and k.ends_as is null
        and (t.ends_as is not null or t.state in ('error', 'cancelled', 'resolved_manually'))
        and not exists (select from tasker.timer r where r.task_id = t.task_id and r.kind = 'children')
    union all
    select format('step %s has had %s attempts of %s', s.name, s.attempt, s.attempt_limit)
    from s where s.attempt > s.attempt_limit
    union all
    select format('step %s has %s attempts recorded after attempt %s', s.name, k.n, s.attempt)
    from s cross join lateral (select count(*) as n from tasker.attempt a
        where a.task_id = s.task_id and a.step_no = s.step_no and a.attempt > s.attempt) as k where k.n > 0
$$;

comment on function tasker.verify(uuid) is
    'A task''s broken invariants, a sentence each; none when it is sound.';
