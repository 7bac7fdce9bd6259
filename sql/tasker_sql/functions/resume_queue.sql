-- Lets a paused queue go on, and wakes who serves it. Locks: the queue's row.

create or replace function tasker.resume_queue(name text, reason text, actor text) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_queue tasker.queue := tasker.change_queue(resume_queue.name, 'resume', false, resume_queue.reason, resume_queue.actor);
begin
    perform tasker.wake_workers(array[v_queue.queue_id]);
    return json_build_object('queue', v_queue.name, 'paused', v_queue.paused);
end;
$$;

comment on function tasker.resume_queue(text, text, text) is
    'Lets a paused queue go on. Returns {queue, paused}. TK001 when there is none, TK004 when it is not paused.';
