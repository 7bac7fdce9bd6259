-- Refuses a definition that could not run: a client in any language may register one, so nothing is taken on trust.
-- Internal. Reads nothing but its argument.

create or replace function tasker.check_definition(p_definition jsonb) returns void
language plpgsql immutable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_steps jsonb := p_definition -> 'steps';
    v_what text;
begin
    select c.what into v_what from (values
        (1, jsonb_typeof(p_definition) is distinct from 'object', 'the definition is no JSON object'),
        (2, coalesce(length(p_definition ->> 'name'), 0) not between 1 and 255, 'name must have 1 to 255 characters'),
        (3, coalesce(length(p_definition ->> 'version'), 0) not between 1 and 50, 'version must have 1 to 50 characters'),
        (4, jsonb_typeof(v_steps) is distinct from 'array', 'steps must be an array'),
        (5, jsonb_typeof(coalesce(p_definition -> 'time_limit', 'null')) not in ('null', 'number')
            or (jsonb_typeof(p_definition -> 'time_limit') = 'number'
                and (p_definition ->> 'time_limit')::numeric not between 0 and 315360000),
            'time_limit must be null or seconds, from 0 to ten years'),
        (6, coalesce(p_definition ->> 'on_failure', 'wait') not in ('wait', 'compensate'),
            'on_failure must be wait or compensate'),
        (7, jsonb_typeof(coalesce(p_definition -> 'expansion', 'null')) not in ('null', 'object')
            or coalesce(p_definition #>> '{expansion,max_steps}', '1') !~ '^([1-9][0-9]{0,4}|100000)$'
            or coalesce(p_definition #>> '{expansion,max_depth}', '1') !~ '^([1-9][0-9]{0,4}|100000)$',
            'expansion must be {max_steps, max_depth}, each null or 1 to 100,000'),
        (8, tasker.find_limits_fault(p_definition -> 'limits') is not null, tasker.find_limits_fault(p_definition -> 'limits'))
    ) as c(n, broken, what) where c.broken order by c.n limit 1;
    if v_what is null and jsonb_array_length(v_steps) not between 1 and 20000 then
        v_what := 'a template has 1 to 20,000 steps';
    end if;
    v_what := coalesce(v_what, tasker.find_definition_fault(v_steps));
    if v_what is not null then
        raise exception using errcode = 'TK002',
            message = format('template %s: %s', coalesce(p_definition ->> 'name', '(no name)'), v_what),
            hint = 'Nothing was registered. docs/templates.md describes a definition.';
    end if;
end;
$$;

comment on function tasker.check_definition(jsonb) is
    'Internal. Raises TK002 when a definition could not run.';
