-- Takes the idempotency keys of a submission and says which tasks are new: a key that is taken keeps its task. Internal.
-- Each key is looked up by itself: without statistics, keeping all of them at hand looks as cheap, and is quadratic.
-- Locks: the keys' rows, in key order; waits for another transaction that is taking the same key.

create or replace function tasker.take_idempotency_keys(
    p_template tasker.template, p_tasks jsonb, p_ids uuid[], p_on_conflict text, out ids uuid[], out created boolean[]
) returns record
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
set enable_material = off
as $$
declare
    v_taken record;
begin
    insert into tasker.idempotency_key (namespace_id, template_name, key, task_id)
    select p_template.namespace_id, p_template.name, k.key, k.task_id from (
        select distinct on (t.value ->> 'idempotency_key') t.value ->> 'idempotency_key' as key, p_ids[t.ordinality] as task_id
        from jsonb_array_elements(p_tasks) with ordinality as t
        where t.value ->> 'idempotency_key' is not null
        order by t.value ->> 'idempotency_key', t.ordinality) as k
    on conflict do nothing;

    select array_agg(coalesce(k.task_id, p_ids[t.ordinality]) order by t.ordinality),
        array_agg(coalesce(k.task_id = p_ids[t.ordinality], true) order by t.ordinality)
    into ids, created
    from jsonb_array_elements(p_tasks) with ordinality as t
    left join tasker.idempotency_key k on k.namespace_id = p_template.namespace_id and k.template_name = p_template.name
        and k.key = t.value ->> 'idempotency_key';

    if p_on_conflict = 'reject' and false = any (created) then
        select t.value ->> 'idempotency_key' as key, ids[t.ordinality] as task_id into v_taken
        from jsonb_array_elements(p_tasks) with ordinality as t where not created[t.ordinality] limit 1;
        raise exception using errcode = 'TK003',
            message = format('idempotency key %L is taken by task %s', v_taken.key, v_taken.task_id),
            detail = v_taken.task_id::text,
            hint = 'Nothing was submitted. With on_conflict return_existing the existing task is returned instead.';
    end if;
end;
$$;

comment on function tasker.take_idempotency_keys(tasker.template, jsonb, uuid[], text) is
    'Internal. Takes idempotency keys; says which tasks of a submission are new and the ids of the others.';
