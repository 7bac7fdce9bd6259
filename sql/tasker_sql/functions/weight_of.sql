-- About how many bytes a value is, without reading it where it is stored out of line. A compressed one may be much more than
-- its size says, and counts as if it were. Internal. Without a fixed search_path, so that it is inlined: it runs once per value.

create or replace function tasker.weight_of(p_value jsonb) returns bigint
language sql stable parallel safe
as $$
    select coalesce(pg_column_size(p_value)::bigint * case when pg_column_compression(p_value) is null then 1 else 128 end, 0)
$$;

comment on function tasker.weight_of(jsonb) is
    'Internal. About how many bytes a value is, without reading it.';
