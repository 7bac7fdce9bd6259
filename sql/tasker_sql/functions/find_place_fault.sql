-- Why a JSON value does not say which grant it is of, as a sentence, or null. Internal. Reads nothing but its argument.

create or replace function tasker.find_place_fault(p_value jsonb) returns text
language plpgsql immutable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_key text;
begin
    if jsonb_typeof(p_value) <> 'object' then
        return format('it is no object, but %s', jsonb_typeof(p_value));
    end if;
    foreach v_key in array array['queue_id', 'msg_id', 'read_ct', 'task_id', 'step_no'] loop
        if jsonb_typeof(p_value -> v_key) is null or p_value -> v_key = 'null' then
            return format('it has no %s', v_key);
        end if;
        begin
            case v_key
            when 'task_id' then perform (p_value ->> v_key)::uuid;
            when 'msg_id' then perform (p_value ->> v_key)::bigint;
            else perform (p_value ->> v_key)::integer;
            end case;
        exception when data_exception then
            return format('its %s is %s', v_key, left((p_value -> v_key)::text, 100));
        end;
    end loop;
    return null;
end;
$$;

comment on function tasker.find_place_fault(jsonb) is
    'Internal. Why a JSON value does not say which grant it is of, or null.';
