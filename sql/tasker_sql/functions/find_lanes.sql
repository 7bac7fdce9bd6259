-- The lanes of one class of a queue in which something stands, from a given one on, in their order. Internal. Reads only.
-- Index: line's primary key: one step into it for each lane, however many stand there.

create or replace function tasker.find_lanes(p_queue_id integer, p_class smallint, p_from bigint, p_most integer) returns bigint[]
language sql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
    with recursive found as (
        (select l.lane, 1 as n from tasker.line l
            where l.queue_id = p_queue_id and l.class = p_class and l.lane >= p_from
            order by l.lane limit 1)
        union all
        select x.lane, f.n + 1 from found f cross join lateral (
            select l.lane from tasker.line l
            where l.queue_id = p_queue_id and l.class = p_class and l.lane > f.lane
            order by l.lane limit 1) as x
        where f.n < p_most
    )
    select coalesce(array_agg(f.lane), '{}') from found f
$$;

comment on function tasker.find_lanes(integer, smallint, bigint, integer) is
    'Internal. The lanes of one class of a queue in which something stands.';
