-- Why a result is none that a growing step can have, as a sentence, or null: a decision's is an array of the names of those
-- of its children that shall be, a batchable step's an array of cursors, one for each worker. Internal. Reads only.
-- Index: definition_edge's primary key.

create or replace function tasker.find_growth_fault(p_definition tasker.step_definition, p_result jsonb) returns text
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_wrong text;
    v_names text;
begin
    if p_definition.kind not in ('decision', 'batchable') then
        return null;
    end if;
    if jsonb_typeof(p_result) is distinct from 'array' then
        return format('the result of a %s step is an array, not %s', p_definition.kind, coalesce(jsonb_typeof(p_result), 'null'));
    end if;
    if p_definition.kind = 'batchable' then
        return case when jsonb_array_length(p_result) > 100000
            then format('a batch of %s is too large: 100,000 is the most', jsonb_array_length(p_result)) end;
    end if;
    select string_agg(c.name, ', ' order by c.step_no) into v_names
    from tasker.definition_edge e join tasker.step_definition c on c.definition_id = e.to_id
    where e.from_id = p_definition.definition_id;
    select coalesce(r.value #>> '{}', 'null') into v_wrong
    from jsonb_array_elements(p_result) as r
    where jsonb_typeof(r.value) <> 'string' or not exists (
        select from tasker.definition_edge e join tasker.step_definition c on c.definition_id = e.to_id
        where e.from_id = p_definition.definition_id and c.name = r.value #>> '{}')
    limit 1;
    return case when v_wrong is not null
        then format('%s is no branch of decision %s; its branches are %s', v_wrong, p_definition.name, v_names) end;
end;
$$;

comment on function tasker.find_growth_fault(tasker.step_definition, jsonb) is
    'Internal. Why a result is none that a growing step can have, or null.';
