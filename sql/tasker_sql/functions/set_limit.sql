-- Gives a limit other numbers, for an operator; null is no bound. A queue's limit comes to be with the first: from then on the
-- queue's steps stand in line. Workers that are idle are woken, because there may be room now.
-- Locks: the limit's row, then the queue's.

create or replace function tasker.set_limit(
    name text, concurrency integer, rate integer, period_seconds double precision, reason text, actor text
) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_spec jsonb := jsonb_build_object('key', '$', 'concurrency', set_limit.concurrency, 'rate', set_limit.rate,
        'period', set_limit.period_seconds);
    v_fault text := tasker.find_limits_fault(jsonb_build_array(v_spec));
    v_queue_id integer;
    v_limit tasker.flow_limit;
begin
    if coalesce(trim(set_limit.reason), '') = '' or coalesce(trim(set_limit.actor), '') = '' then
        raise exception using errcode = 'TK002', message = 'to set a limit needs a reason and an actor',
            hint = 'Both are recorded with the change, for whoever reads it later.';
    end if;
    if v_fault is not null then
        raise exception using errcode = 'TK002', message = v_fault, hint = 'Nothing was changed.';
    end if;
    select q.queue_id into v_queue_id from tasker.queue q where 'queue:' || q.name = set_limit.name;
    if v_queue_id is null and set_limit.name like 'queue:%' then
        raise exception using errcode = 'TK001', message = format('no queue %s', substr(set_limit.name, 7)),
            hint = coalesce('There are: ' || (select string_agg(q.name, ', ' order by q.name) from tasker.queue q) || '.',
                'There is none yet: one is made when a template is registered or a worker starts.');
    end if;
    if v_queue_id is not null then
        perform tasker.ensure_limit(set_limit.name, v_spec);
    end if;
    update tasker.flow_limit f
    set concurrency = set_limit.concurrency, rate = set_limit.rate, period = make_interval(secs => set_limit.period_seconds)
    where f.name = set_limit.name returning f.* into v_limit;
    if not found then
        raise exception using errcode = 'TK001', message = format('no limit %s', set_limit.name),
            hint = tasker.name_limits();
    end if;
    update tasker.queue q set limit_id = v_limit.limit_id, limited = true
    where q.queue_id = v_queue_id and q.limit_id is distinct from v_limit.limit_id;
    insert into tasker.limit_action (name, verb, reason, actor)
    values (set_limit.name, 'set', set_limit.reason, set_limit.actor);
    perform tasker.wake_workers(array(select q.queue_id from tasker.queue q where q.limited));
    return tasker.describe_limit(v_limit);
end;
$$;

comment on function tasker.set_limit(text, integer, integer, double precision, text, text) is
    'Gives a limit other numbers: at most `concurrency` at once, and `rate` starts in any period_seconds; null is no bound. '
    'queue:NAME limits a whole queue. What runs goes on. Returns the limit as list_limits describes it. TK001 when there is '
    'none, TK002 when a number makes no sense.';
