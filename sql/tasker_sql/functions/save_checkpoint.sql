-- Saves what a handler has computed under a name, while its lease is good; the first value stays, unless it is to be
-- replaced. Locks: the message, so that the lease cannot be granted to another meanwhile; in a longer transaction, which a
-- composition's is, for a minute at most after this. Index: the primary keys.

create or replace function tasker.save_checkpoint(
    queue_id integer, msg_id bigint, read_ct integer, task_id uuid, step_no integer, name text, value jsonb,
    replace boolean default false
) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_table text := (select q.message_table::text from tasker.queue q where q.queue_id = save_checkpoint.queue_id);
    v_held boolean;
begin
    if coalesce(length(save_checkpoint.name), 0) not between 1 and 300 or save_checkpoint.value is null then
        raise exception using errcode = 'TK002', message = 'a checkpoint has a name of 1 to 300 characters, and a value',
            hint = 'Nothing is JSON''s null. Nothing was saved.';
    end if;
    if v_table is null then
        return false;
    end if;
    execute format('select true from %s m where m.msg_id = $1 and m.read_ct = $2 for no key update', v_table)
    into v_held using save_checkpoint.msg_id, save_checkpoint.read_ct;
    if v_held is null or not exists (select from tasker.step s
            where s.task_id = save_checkpoint.task_id and s.step_no = save_checkpoint.step_no
                and s.msg_id = save_checkpoint.msg_id and s.state = 'in_progress') then
        return false;
    end if;
    perform tasker.end_if_idle();
    insert into tasker.checkpoint (task_id, step_no, name, value)
    values (save_checkpoint.task_id, save_checkpoint.step_no, save_checkpoint.name, save_checkpoint.value)
    on conflict on constraint checkpoint_pkey do update set value = excluded.value, saved_at = now()
    where save_checkpoint.replace;
    return true;
end;
$$;

comment on function tasker.save_checkpoint(integer, bigint, integer, uuid, integer, text, jsonb, boolean) is
    'For workers. Saves what a handler has computed under a name; the first value stays, unless replace. Returns whether '
    'the lease was still good.';
