-- Stops a queue until it is resumed: exchanges pass it by. Locks: the queue's row.

create or replace function tasker.pause_queue(name text, reason text, actor text) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_queue tasker.queue := tasker.change_queue(pause_queue.name, 'pause', true, pause_queue.reason, pause_queue.actor);
begin
    return json_build_object('queue', v_queue.name, 'paused', v_queue.paused);
end;
$$;

comment on function tasker.pause_queue(text, text, text) is
    'Pauses a queue: nothing of it is granted until it is resumed. Handlers that are running go on, and what they come to '
    'is applied; steps go on being enqueued. Returns {queue, paused}. TK001 when there is none, TK004 when it is paused already.';
