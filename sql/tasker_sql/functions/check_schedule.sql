-- A schedule's definition as it is stored: with its defaults, its times in UTC. Raises TK002 when it is malformed, TK001
-- when its template is not there. Internal. Cron expressions are read by the scheduler, and by clients before they send one.

create or replace function tasker.check_schedule(p_namespace text, p_definition jsonb) returns jsonb
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_definition jsonb := p_definition;
    v_what text;
    v_key text;
    v_at timestamptz;
begin
    if jsonb_typeof(v_definition) = 'object' then
        select coalesce(jsonb_object_agg(e.key, e.value), '{}') into v_definition
        from jsonb_each(v_definition) as e where e.value <> 'null' or e.key = 'input';
    end if;
    v_what := tasker.find_schedule_fault(v_definition);
    if v_what is not null then
        raise exception using errcode = 'TK002', message = v_what, hint = 'Nothing was changed.';
    end if;
    v_definition := '{"version": null, "input": {}, "context": {}, "tags": [], "priority": 0, "jitter": 0, "overlap": "skip",
        "catchup_window": 86400, "start_at": null, "end_at": null}' || v_definition
        || case when v_definition ? 'cron' and not v_definition ? 'time_zone' then '{"time_zone": "UTC"}'::jsonb else '{}' end
        || case when v_definition ? 'every' and not v_definition ? 'offset' then '{"offset": 0}'::jsonb else '{}' end;
    foreach v_key in array array['at', 'start_at', 'end_at'] loop
        continue when v_definition ->> v_key is null;
        begin
            v_at := (v_definition ->> v_key)::timestamptz;
            if v_at > '9999-12-31' or v_at < '1970-01-01' or v_definition ->> v_key !~* '\d(z|[+-]\d\d(:?\d\d)?)$' then
                raise datetime_field_overflow;
            end if;
        exception when data_exception then
            raise exception using errcode = 'TK002',
                message = format('%s is %L, which is no time with a time zone', v_key, v_definition ->> v_key),
                hint = 'Write it as in 2030-01-31T12:00:00Z. Nothing was changed.';
        end;
        v_definition := v_definition || jsonb_build_object(v_key, tasker.utc_text(v_at));
    end loop;
    begin
        perform now() at time zone (v_definition ->> 'time_zone');
    exception when invalid_parameter_value then
        raise exception using errcode = 'TK002', message = format('no time zone %L', v_definition ->> 'time_zone'),
            hint = 'Name it as in Europe/Berlin. Nothing was changed.';
    end;
    perform tasker.find_template(p_namespace, v_definition ->> 'template', v_definition ->> 'version');
    return v_definition;
end;
$$;

comment on function tasker.check_schedule(text, jsonb) is
    'Internal. A schedule''s definition with its defaults; raises TK002 when it is malformed.';
