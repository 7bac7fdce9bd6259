-- What rerun_task would come to now: does it, and takes it back. Locks: as rerun_task, until then.

create or replace function tasker.plan_rerun(
    task_id uuid, from_steps text[] default null, version text default null
) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_answer json;
begin
    v_answer := tasker.rerun_task(plan_rerun.task_id, 'a plan', 'nobody', plan_rerun.from_steps, null, plan_rerun.version);
    -- Not TK000: a code that ends in three zeros stands for its class, and would catch what rerun_task raises.
    raise exception using errcode = 'TK999', message = 'taken back';
exception when sqlstate 'TK999' then
    return v_answer::jsonb || '{"task_id": null}';
end;
$$;

comment on function tasker.plan_rerun(uuid, text[], text) is
    'A dry run of rerun_task: what it would come to now, as it returns it, with task_id null. Nothing is changed.';
