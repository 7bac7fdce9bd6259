-- Stores what handlers reported, for those of a worker's leases that are still its own. Internal: part of a heartbeat.
-- Locks: steps, skipping what is held, and without their tasks, out of the order that all others keep. `skip locked` waits
-- all the same for a row that is updated just then; so that no circle closes, such a wait is given up at once, long before
-- PostgreSQL looks for deadlocks, and that progress comes with the next heartbeat. Index: step's primary key.

create or replace function tasker.store_progress(p_leases jsonb, p_kept integer[]) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
set lock_timeout = '10ms'
as $$
begin
    with reported as (
        select s.task_id, s.step_no, l.progress
        from rows from (jsonb_to_recordset(p_leases) as (task_id uuid, step_no integer, msg_id bigint, progress jsonb))
            with ordinality as l(task_id, step_no, msg_id, progress, n)
        join tasker.step s on s.task_id = l.task_id and s.step_no = l.step_no and s.msg_id = l.msg_id
        where l.progress is not null and l.n = any (p_kept) and s.progress is distinct from l.progress
        for no key update of s skip locked
    )
    update tasker.step s set progress = r.progress
    from reported r where s.task_id = r.task_id and s.step_no = r.step_no;
exception when lock_not_available or deadlock_detected then
    null;
end;
$$;

comment on function tasker.store_progress(jsonb, integer[]) is
    'Internal. Stores the progress that a heartbeat brings.';
