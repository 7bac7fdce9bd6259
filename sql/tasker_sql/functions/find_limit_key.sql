-- A step's key in a limit: what the JSON path finds first in its task's input, where $item is a batch worker's item and
-- $context the task's context. No path, nothing found, or a path that cannot be followed in this input: the empty key, because the
-- transaction that asks is a worker's, and would be refused again and again. A long key is cut, and told apart by its hash. What
-- the path does not name is not looked at: an input may be large, and a batch has 100,000 items.
-- Internal. Reads nothing but its arguments.

create or replace function tasker.find_limit_key(p_path text, p_input jsonb, p_context jsonb, p_item jsonb) returns text
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_key text;
begin
    if p_path is null then
        return '';
    end if;
    v_key := jsonb_path_query_first_tz(
        case when replace(replace(p_path, '$item', ''), '$context', '') ~ '\$' then p_input else 'null' end,
        p_path::jsonpath, jsonb_build_object('item', p_item, 'context', case when p_path ~ '\$["\\c]' then p_context end), true) #>> '{}';
    return case when length(v_key) > 200 then left(v_key, 160) || '…' || md5(v_key) else coalesce(v_key, '') end;
exception when others then
    return '';
end;
$$;

comment on function tasker.find_limit_key(text, jsonb, jsonb, jsonb) is
    'Internal. A step''s key in a limit.';
