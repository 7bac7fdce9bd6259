-- Why a step cannot have what it asked for, as a sentence, or null: an expansion is an array of {step: the name of a dynamic
-- step that its definition expands to, values: an object, takes: an object of parameters and references, after: an array
-- of references}, where a reference is the place (from 0) of an earlier one in the array, or the name of a step that is
-- there and does not wait for what is asked for; and the task stays within its template's bounds. `p_before`: how many steps
-- others of the task ask for that complete with this one and come before it; also those that are refused are counted.
-- Internal. Reads only. Index: step's primary key.

create or replace function tasker.find_expansion_fault(p_step tasker.step, p_definition tasker.step_definition, p_before bigint)
returns text
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_fault text;
    v_template tasker.template;
    v_steps bigint;
    v_depth integer;
begin
    if p_step.expansion is null then
        return null;
    end if;
    if cardinality(p_definition.expands) = 0 then
        return format('step %s asked for other steps, but its definition expands to none', p_definition.name);
    end if;
    if jsonb_typeof(p_step.expansion) <> 'array' then
        return format('an expansion is an array of steps, not %s', jsonb_typeof(p_step.expansion));
    end if;
    select format('expansion, step %s: %s', i.no - 1, f.what) into v_fault
    from jsonb_array_elements(p_step.expansion) with ordinality as i(value, no)
    cross join lateral (values
        (1, jsonb_typeof(i.value) <> 'object', 'is no object'),
        (2, (i.value ->> 'step' = any (p_definition.expands)) is not true,
            format('%s is no step that %s expands to; those are %s', coalesce(i.value ->> 'step', 'null'), p_definition.name,
                array_to_string(p_definition.expands, ', '))),
        (3, jsonb_typeof(coalesce(i.value -> 'values', 'null')) not in ('object', 'null'), 'values must be an object'),
        (4, jsonb_typeof(coalesce(i.value -> 'takes', 'null')) not in ('object', 'null'), 'takes must be an object'),
        (5, jsonb_typeof(coalesce(i.value -> 'after', 'null')) not in ('array', 'null'), 'after must be an array'),
        (6, case jsonb_typeof(i.value) when 'object' then i.value - '{step,values,takes,after}'::text[] <> '{}' end,
            'it has other keys than step, values, takes and after')
    ) as f(n, broken, what)
    where f.broken order by i.no, f.n limit 1;
    if v_fault is not null then
        return v_fault;
    end if;
    select format('expansion, step %s: %s is neither the place of an earlier one nor the name of a step that is there', r.no - 1, r.reference)
    into v_fault
    from tasker.list_references(p_step.task_id, p_step.expansion) as r
    where r.item is null and r.step_no is null order by r.no limit 1;
    if v_fault is not null then
        return v_fault;
    end if;
    v_fault := tasker.find_circular_reference(p_step.task_id, p_step.expansion);
    if v_fault is not null then
        return v_fault;
    end if;
    select p.* into v_template from tasker.template p where p.template_id = p_definition.template_id;
    select count(*) + p_before + jsonb_array_length(p_step.expansion) into v_steps
    from tasker.step s where s.task_id = p_step.task_id and s.depth is not null;
    if v_steps > v_template.max_steps then
        return format('the task would have %s dynamic steps, and its template allows %s (expansion.max_steps)', v_steps, v_template.max_steps);
    end if;
    select max(d.depth) into v_depth from unnest(tasker.measure_depths(p_step)) as d(depth);
    if v_depth > v_template.max_depth then
        return format('the task would have a chain of %s dynamic steps, and its template allows %s (expansion.max_depth)',
            v_depth, v_template.max_depth);
    end if;
    return null;
end;
$$;

comment on function tasker.find_expansion_fault(tasker.step, tasker.step_definition, bigint) is
    'Internal. Why a step cannot have the steps that it asked for, or null.';
