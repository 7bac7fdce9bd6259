-- The roles, and what each may call. The functions are the API: of tables, only those that say which version is
-- installed may be read. Roles belong to the whole server, so they are made only where the migrating role may; grants go
-- to those that exist. Applied at every migration, and when a role has come that has no grants yet.

do $$
declare
    v_role text;
    v_grant record;
begin
    foreach v_role in array array['tasker_client', 'tasker_worker', 'tasker_operator', 'tasker_reader'] loop
        if to_regrole(v_role) is null
            and (select r.rolcreaterole or r.rolsuper from pg_roles r where r.rolname = current_user) then
            begin
                execute format('create role %I nologin', v_role);
            exception when duplicate_object or unique_violation then
                null;  -- the migrator of another database has just made it
            end;
        end if;
    end loop;
    execute 'revoke all on schema tasker from public';
    execute 'revoke all on all functions in schema tasker from public';
    for v_grant in
        select g.role, p.oid::regprocedure as signature
        from (values
            ('tasker_client', 'register_template submit_task submit_tasks watch_task send_event send_event_to_all
                create_schedule answer_approval read_events finish_events'),
            ('tasker_worker', 'register_template register_worker exchange heartbeat leave get_definitions save_checkpoint start_task commit_outcome
                promote_due rescue prune upkeep due_schedules fire_schedule fault_schedule release_fires prune_fires
                emit_event prune_events'),
            ('tasker_operator', 'cancel_task resolve_task retry_task pause_task resume_task pause_template resume_template change_tasks rerun_task plan_rerun pause_queue resume_queue set_limit retry_step resolve_step complete_step
                send_event send_event_to_all create_schedule update_schedule delete_schedule pause_schedule resume_schedule
                trigger_schedule backfill_schedule answer_approval'),
            ('tasker_reader', '')
        ) as g(role, verbs)
        join pg_proc p on p.pronamespace = 'tasker'::regnamespace and (
            p.proname = any (regexp_split_to_array(g.verbs, '\s+'))
            or p.proname in ('get_task', 'get_task_result', 'list_tasks', 'list_steps', 'get_step', 'explain_step',
                'queue_stats', 'count_open_tasks', 'list_workers', 'list_orchestrators', 'list_templates', 'get_template', 'verify',
                'plan_change', 'list_dead_letters', 'get_dead_letters', 'get_schedule', 'list_schedules', 'list_fires', 'get_approval', 'list_approvals', 'list_limits',
                'list_limit_keys', 'list_children', 'list_inner_steps', 'list_needed_steps', 'list_events',
                'list_event_queues'))
        where to_regrole(g.role) is not null
    loop
        execute format('grant execute on function %s to %I', v_grant.signature, v_grant.role);
    end loop;
    foreach v_role in array array['tasker_client', 'tasker_worker', 'tasker_operator', 'tasker_reader'] loop
        if to_regrole(v_role) is not null then
            execute format('grant usage on schema tasker to %I', v_role);
            execute format('grant select on tasker.dead_letter, tasker.migration, tasker.installed to %I', v_role);
        end if;
    end loop;
end;
$$;
