-- Gives a repeated task what its original has of results, as if handlers had just returned them: wave by wave, each step as
-- soon as it could run, so that the task grows and goes on as any other. What comes after a step that runs again never
-- could, and so runs again too. Internal.
-- Locks: the caller has made the one task, and holds the other's lock; steps, then messages.

create or replace function tasker.keep_steps(p_task_id uuid, p_original_id uuid, p_again integer[]) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_kept record;
    v_tasks uuid[];
    v_next record;
begin
    loop
        v_kept := tasker.find_keepable_steps(p_task_id, p_original_id, p_again);
        exit when v_kept.steps is null;
        v_tasks := array_fill(p_task_id, array[cardinality(v_kept.steps)]);
        perform tasker.close_steps(v_tasks, v_kept.steps, 'complete', null);
        update tasker.step s
        set state = o.state, result = o.result, error = o.error, expansion = o.expansion, completed_at = o.completed_at
        from unnest(v_kept.steps, v_kept.originals) as k(step_no, original_no)
        join tasker.step o on o.task_id = p_original_id and o.step_no = k.original_no
        where s.task_id = p_task_id and s.step_no = k.step_no;
        perform tasker.check_kept_steps(p_task_id, v_kept.steps);
        v_next := tasker.follow_completions(v_tasks, v_kept.steps, v_kept.definitions, true);
        perform tasker.keep_names(p_task_id, p_original_id, v_kept.steps, v_kept.originals);
        perform tasker.advance_tasks(v_next.ready, v_kept.live, null, null);
        perform tasker.wake_workers(v_next.queues);
    end loop;
    perform tasker.park_steps(array[p_task_id]);
end;
$$;

comment on function tasker.keep_steps(uuid, uuid, integer[]) is
    'Internal. Gives a repeated task what its original has of results.';
