-- What is wrong with one outcome of an exchange, as a sentence, or null. Internal. Reads nothing but its argument.

create or replace function tasker.find_outcome_fault(p_outcome jsonb) returns text
language plpgsql immutable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_kind text := p_outcome ->> 'outcome';
    v_fault text := tasker.find_place_fault(p_outcome);
begin
    if v_fault is not null then
        return v_fault;
    end if;
    if v_kind is null or v_kind not in ('complete', 'retry', 'error', 'lost', 'release', 'wait') then
        return format('its outcome is %s', coalesce(quote_literal(left(v_kind, 100)), 'missing'));
    end if;
    perform (p_outcome ->> 'delay')::double precision;
    return case v_kind when 'wait' then tasker.find_wait_fault(coalesce(p_outcome -> 'wait', 'null')) end;
exception when data_exception then
    return format('its delay is %s', left((p_outcome -> 'delay')::text, 100));
end;
$$;

comment on function tasker.find_outcome_fault(jsonb) is
    'Internal. What is wrong with one outcome of an exchange, or null.';
