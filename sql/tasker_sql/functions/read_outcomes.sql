-- Reads which tasks a batch of outcomes is of or begins to wait for, and which queues. What cannot be read is refused with
-- TK002, naming the element, before anything is locked or written. The block that catches writes nothing, so its
-- subtransaction takes no transaction id. Internal. Reads nothing but its argument.

create or replace function tasker.read_outcomes(p_outcomes jsonb, out tasks uuid[], out queues integer[]) returns record
language plpgsql immutable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_awaited uuid[];
    v_waits boolean;
    v_sound boolean;
    v_what text;
begin
    begin
        select array_agg(o.task_id), array_agg(distinct o.queue_id), bool_or(o.outcome = 'wait'),
            bool_and((o.queue_id is not null and o.msg_id is not null and o.read_ct is not null and o.task_id is not null
                and o.step_no is not null and o.outcome in ('complete', 'retry', 'error', 'lost', 'release', 'wait')) is true)
        into tasks, queues, v_waits, v_sound
        from jsonb_to_recordset(p_outcomes) as o(queue_id integer, msg_id bigint, read_ct integer, task_id uuid, step_no integer,
            outcome text, delay double precision);
        if v_sound and v_waits then
            select array_agg((o.wait ->> 'task')::uuid), bool_and(tasker.find_wait_fault(o.wait) is null) into v_awaited, v_sound
            from jsonb_to_recordset(p_outcomes) as o(outcome text, wait jsonb) where o.outcome = 'wait';
            tasks := tasks || array_remove(v_awaited, null);
        end if;
    exception when data_exception then
        v_sound := false;
    end;
    if v_sound then
        return;
    end if;
    select format('outcome %s: %s', o.n, f.what) into v_what
    from jsonb_array_elements(p_outcomes) with ordinality as o(value, n)
    cross join lateral tasker.find_outcome_fault(o.value) as f(what) where f.what is not null order by o.n limit 1;
    raise exception using errcode = 'TK002', message = coalesce(v_what, 'the outcomes cannot be read'),
        hint = 'An outcome has the queue_id, msg_id, read_ct, task_id and step_no of its grant, and an outcome: complete, retry, error,'
            ' lost, release or wait, with its wait. Nothing was changed.';
end;
$$;

comment on function tasker.read_outcomes(jsonb) is
    'Internal. The tasks and queues of a batch of outcomes; TK002 when an element cannot be read.';
