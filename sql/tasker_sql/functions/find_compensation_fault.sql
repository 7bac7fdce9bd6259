-- The first fault in what a definition says about undoing a step, as a sentence, or null. Internal. Reads nothing but its
-- argument. A compensation is a step of its own, so that what holds for one holds for the other. Not in SQL: that plans what
-- it calls anew at each call, which of a large template takes seconds.

create or replace function tasker.find_compensation_fault(p_compensation jsonb) returns text
language plpgsql immutable parallel safe
set search_path = pg_catalog, tasker, pg_temp
as $$
begin
    return case
        when coalesce(p_compensation, 'null') = 'null' then null
        when jsonb_typeof(p_compensation) <> 'object' then 'compensate must be an object'
        when coalesce(p_compensation ->> 'when', 'complete') not in ('complete', 'started')
            then 'compensate.when must be complete or started'
        when not tasker.is_text_array(coalesce(nullif(p_compensation -> 'takes', 'null'), '[]'))
            then 'compensate.takes must be an array of step names'
        else 'compensate: ' || tasker.find_step_fault(
            p_compensation || '{"name": "undo", "kind": "standard", "compensate": null}')
    end;
end;
$$;

comment on function tasker.find_compensation_fault(jsonb) is
    'Internal. The first fault in what a definition says about undoing a step, or null.';
