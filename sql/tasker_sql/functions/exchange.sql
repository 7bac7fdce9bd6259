-- The hot path: applies a worker's outcomes and claims its next steps, in one transaction. Plans are pinned: these are
-- all walks along primary keys, and fresh tables have no statistics that would tell the planner so. A class of priority is
-- claimed in all of the worker's queues before the next class is in any.
-- What stands in line for a limited queue is let out just before it is claimed.
-- Locks: tasks by id, messages, steps (apply_outcomes); tasks, skipping (promote_due); advisory locks and tasks, skipping (admit);
-- messages and steps, skipping (claim).

create or replace function tasker.exchange(
    worker_id uuid, queue_ids integer[], outcomes jsonb, want integer, lease_seconds double precision
) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
set plan_cache_mode = force_generic_plan
set random_page_cost = 0.1
set cpu_tuple_cost = 1
set enable_seqscan = off
set enable_bitmapscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    v_accepted integer[] := '{}';
    v_queues integer[] := '{}';
    v_claim record;
    v_next record;
    v_left integer := least(exchange.want, 10000);
    v_full integer[] := '{}';
    v_tasks uuid[] := '{}';
    v_steps integer[] := '{}';
    v_messages bigint[] := '{}';
    v_reads integer[] := '{}';
    v_granted json;
    v_again double precision;
begin
    if (exchange.worker_id is null or exchange.queue_ids is null or exchange.want is null or jsonb_typeof(exchange.outcomes) <> 'array'
            or not exchange.lease_seconds between 0.1 and 86400) is not false then
        raise exception using errcode = 'TK002', message = format('an exchange takes a worker, its queues, an array of outcomes, not %s,'
            ' how many steps are wanted, and a lease of 0.1 to 86,400 seconds, not %s',
            coalesce(jsonb_typeof(exchange.outcomes), 'null'), coalesce(exchange.lease_seconds::text, 'null')),
            hint = 'Nothing was changed.';
    end if;
    if jsonb_array_length(exchange.outcomes) > 0 then
        select a.accepted, coalesce(a.queues, '{}') into v_accepted, v_queues
        from tasker.apply_outcomes(exchange.outcomes) as a;
    end if;
    if exists (select from tasker.timer t where t.fire_at <= now()) then
        perform tasker.promote_due(100);
    end if;
    for v_next in
        select q as queue, w.mark from tasker.queue q cross join lateral unnest(q.low_water) as w(mark)
        where q.queue_id = any (exchange.queue_ids) and not q.paused order by w.mark >> 50, random()
    loop
        if v_left > 0 then
            if (v_next.queue).limited then
                v_again := least(v_again, tasker.admit(v_next.queue, v_next.mark, v_left));
            end if;
            v_claim := tasker.claim(exchange.worker_id, v_next.queue, v_next.mark, v_left,
                make_interval(secs => exchange.lease_seconds));
            v_tasks := v_tasks || v_claim.tasks;
            v_steps := v_steps || v_claim.steps;
            v_messages := v_messages || v_claim.messages;
            v_reads := v_reads || v_claim.reads;
            v_left := v_left - v_claim.taken;
        end if;
        if v_left <= 0 then
            v_full := v_full || (v_next.queue).queue_id;
        end if;
    end loop;
    if v_queues && v_full or not v_queues <@ exchange.queue_ids then
        perform tasker.wake_workers(v_queues);
    end if;
    update tasker.worker w set idle = cardinality(v_tasks) = 0, seen_at = now()
    where w.worker_id = exchange.worker_id and exchange.want > 0 and w.idle <> (cardinality(v_tasks) = 0);
    if cardinality(v_tasks) > 0 then
        v_granted := tasker.describe_grants(v_tasks, v_steps, v_messages, v_reads);
        if (octet_length(v_granted::text) <= 67108864) is not true then
            v_granted := tasker.fit_grants(v_tasks, v_steps, v_messages, v_reads);
        end if;
    end if;
    return json_build_object('accepted', v_accepted, 'again', v_again, 'granted', v_granted);
end;
$$;

comment on function tasker.exchange(uuid, integer[], jsonb, integer, double precision) is
    'For workers. Applies outcomes and claims up to `want` steps from the given queues for lease_seconds. outcomes is an '
    'array of {queue_id, msg_id, read_ct, task_id, step_no, outcome, result, expansion, error, delay, wait} with outcome complete | retry | '
    'error | lost | release | wait, the last with wait {name, event, task, until_blocked, seconds, approval: {name, title, data, form, who}}. Returns {accepted: numbers (from 1) of the outcomes that took effect, granted: {steps, '
    'instances, undone, saved, tasks, results, gathered}, again: seconds after which a limit may let more begin, or null}. An outcome whose lease was lost is stale: it is not among the accepted and changes nothing. TK002 names one that cannot be read; then none takes effect.';
