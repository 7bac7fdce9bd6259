-- Pauses or resumes a queue for an operator, and writes that down. Returns the queue as it is then. Internal.
-- Locks: the queue's row, which exchanges read and do not lock. Index: queue (name).

create or replace function tasker.change_queue(p_name text, p_verb text, p_paused boolean, p_reason text, p_actor text)
returns tasker.queue
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_queue tasker.queue;
begin
    if coalesce(trim(p_reason), '') = '' or coalesce(trim(p_actor), '') = '' then
        raise exception using errcode = 'TK002', message = format('to %s needs a reason and an actor', p_verb),
            hint = 'Both are recorded with the change, for whoever reads it later.';
    end if;
    select q.* into v_queue from tasker.queue q where q.name = p_name for no key update;
    if not found then
        raise exception using errcode = 'TK001', message = format('no queue %s', p_name),
            hint = coalesce('There are: ' || (select string_agg(q.name, ', ' order by q.name) from tasker.queue q) || '.',
                'There is none yet: one is made when a template is registered or a worker starts.');
    end if;
    if v_queue.paused = p_paused then
        raise exception using errcode = 'TK004',
            message = format('queue %s is %s', p_name, case when p_paused then 'paused already' else 'not paused' end),
            hint = case when p_paused then 'Resume it first to pause it for another reason.' else 'There is nothing to resume.' end;
    end if;
    update tasker.queue q set paused = p_paused where q.queue_id = v_queue.queue_id returning q.* into v_queue;
    insert into tasker.queue_action (queue, verb, reason, actor) values (p_name, p_verb, p_reason, p_actor);
    return v_queue;
end;
$$;

comment on function tasker.change_queue(text, text, boolean, text, text) is
    'Internal. Pauses or resumes a queue for an operator, and writes that down.';
