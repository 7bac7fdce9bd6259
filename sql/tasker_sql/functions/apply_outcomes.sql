-- Applies what a worker's handlers came to: fenced, set-based, in one transaction. Returns the numbers (1-based) of the
-- outcomes that were accepted; the others are stale and change nothing; and the queues that got new messages, or may have room for some that stand in line. Internal:
-- the first half of an exchange.
-- Locks, in this order: the tasks, and those that steps begin to wait for, by id, the queues' messages (by deleting them, where message id and read count are
-- still the ones the worker was granted, for that step), the steps. Tasks come first because `for update skip locked` may wait all the
-- same for a row that is updated just then, and whoever closes steps takes their messages holding the task.
-- Index: the primary keys.

create or replace function tasker.apply_outcomes(p_outcomes jsonb, out accepted integer[], out queues integer[])
returns record
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_queue tasker.queue;
    v_numbers integer[];
    v_granted integer[] := '{}';
    v_tasks uuid[];
    v_steps integer[];
    v_definitions integer[];
    v_asking boolean;
    v_next record;
    v_paused uuid[];
    v_limited integer[];
    v_read record := tasker.read_outcomes(p_outcomes);
begin
    select array_agg(k.task_id) filter (where k.state = 'paused') into v_paused from (
        select t.task_id, t.state from tasker.task t
        where t.task_id = any (v_read.tasks)
        order by t.task_id for no key update) as k;

    for v_queue in
        select q.* from tasker.queue q
        where q.queue_id = any (v_read.queues)
        order by q.queue_id
    loop
        execute format('with gone as (
                delete from %s as m
                using rows from (jsonb_to_recordset($1) as (queue_id integer, msg_id bigint, read_ct integer, task_id uuid, step_no integer))
                    with ordinality as o(queue_id, msg_id, read_ct, task_id, step_no, n)
                where o.queue_id = $2 and m.msg_id = o.msg_id and m.read_ct = o.read_ct
                    and m.message ->> ''task_id'' = o.task_id::text and m.message ->> ''step_no'' = o.step_no::text
                returning o.n::integer)
            select array_agg(g.n) from gone g', v_queue.message_table)
        into v_numbers using p_outcomes, v_queue.queue_id;
        v_granted := v_granted || coalesce(v_numbers, '{}');
        if v_queue.limited and exists (select from tasker.line l where l.queue_id = v_queue.queue_id) then
            v_limited := v_limited || v_queue.queue_id;
        end if;
    end loop;

    with done as (
        update tasker.step s
        set state = 'complete', result = o.result, expansion = o.expansion, error = null, completed_at = now(), msg_id = null, deadline_at = null
        from rows from (jsonb_to_recordset(p_outcomes)
                as (task_id uuid, step_no integer, msg_id bigint, outcome text, result jsonb, expansion jsonb))
            with ordinality as o(task_id, step_no, msg_id, outcome, result, expansion, n)
        where o.outcome = 'complete' and o.n = any (v_granted)
            and s.task_id = o.task_id and s.step_no = o.step_no and s.msg_id = o.msg_id and s.state = 'in_progress'
        returning s.task_id, s.step_no, s.definition_id, s.expansion is not null as asking, o.n
    )
    select array_agg(d.task_id), array_agg(d.step_no), array_agg(d.definition_id), array_agg(d.n::integer), bool_or(d.asking)
    into v_tasks, v_steps, v_definitions, accepted, v_asking from done d;

    if v_tasks is not null then
        v_next := tasker.follow_completions(v_tasks, v_steps, v_definitions, v_asking);
        perform tasker.advance_tasks(v_next.ready, v_tasks, v_next.failed, null);
        queues := v_next.queues;
    end if;
    if cardinality(v_granted) > coalesce(cardinality(accepted), 0) then
        -- Failures last: one may end its task, and what else was said of its steps is true all the same.
        accepted := accepted || tasker.apply_waits(p_outcomes, v_granted) || tasker.apply_failures(p_outcomes, v_granted);
    end if;
    accepted := coalesce(accepted, '{}');
    queues := queues || v_limited;
    if v_paused is not null then
        perform tasker.park_steps(v_paused);
    end if;
end;
$$;

comment on function tasker.apply_outcomes(jsonb) is
    'Internal. Applies a batch of outcomes; returns the numbers of those accepted, and the queues with new messages.';
