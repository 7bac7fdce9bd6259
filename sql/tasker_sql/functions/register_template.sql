-- Stores a template and compiles it to rows. The same definition again is no change; another one under the same version
-- is refused. Locks: an advisory lock per template name, so that two registrations of one name take turns.

create or replace function tasker.register_template(definition jsonb) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
set jit = off
as $$
declare
    v_definition jsonb := register_template.definition;
    v_namespace tasker.namespace;
    v_name text := v_definition ->> 'name';
    v_version text := v_definition ->> 'version';
    v_fingerprint text := encode(sha256(convert_to(v_definition::text, 'UTF8')), 'hex');
    v_existing tasker.template;
    v_template_id integer;
begin
    perform tasker.check_definition(v_definition);
    v_namespace := tasker.ensure_namespace(v_definition ->> 'namespace');
    perform pg_advisory_xact_lock(hashtextextended(v_namespace.name || '/' || v_name, 1));
    select t.* into v_existing from tasker.template t
    where t.namespace_id = v_namespace.namespace_id and t.name = v_name and t.version = v_version;
    if found and v_existing.fingerprint <> v_fingerprint then
        raise exception using errcode = 'TK003',
            message = format('template %s/%s version %s is registered with another definition',
                v_namespace.name, v_name, v_version),
            hint = 'A registered version never changes: give the new definition a new version.';
    end if;
    v_template_id := v_existing.template_id;
    if v_template_id is null then
        insert into tasker.template (namespace_id, name, version, fingerprint, definition, input_schema, time_limit, on_failure, max_steps, max_depth, paused)
        values (v_namespace.namespace_id, v_name, v_version, v_fingerprint, v_definition, nullif(v_definition -> 'input_schema', 'null'),
            tasker.seconds(v_definition -> 'time_limit'), coalesce(v_definition ->> 'on_failure', 'wait'),
            coalesce((v_definition #>> '{expansion,max_steps}')::integer, 1000),
            coalesce((v_definition #>> '{expansion,max_depth}')::integer, 100),
            -- Whoever has paused all versions means this one too.
            coalesce((select bool_and(o.paused) from tasker.template o
                where o.namespace_id = v_namespace.namespace_id and o.name = v_name), false))
        returning template_id into v_template_id;
        perform tasker.compile_template(v_template_id, v_namespace.queue_id, v_definition -> 'steps');
        if v_definition @? '$.limits[*]' or v_definition @? '$.steps[*].limits[*]' then
            perform tasker.compile_limits(v_template_id, v_namespace.name, v_definition);
        end if;
    end if;
    return json_build_object('template_id', v_template_id, 'namespace', v_namespace.name, 'name', v_name,
        'version', v_version, 'fingerprint', v_fingerprint, 'created', v_existing.template_id is null);
end;
$$;

comment on function tasker.register_template(jsonb) is
    'Registers a template. Returns {template_id, namespace, name, version, fingerprint, created}. The same definition '
    'again changes nothing; another definition under a registered version is refused (TK003), a broken one too (TK002).';
