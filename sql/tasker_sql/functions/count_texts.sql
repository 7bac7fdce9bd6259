-- How often each text stands in an array: {text: how often}. Internal.

create or replace function tasker.count_texts(p_texts text[]) returns json
language sql immutable parallel safe
set search_path = pg_catalog, tasker, pg_temp
as $$
    select coalesce(json_object_agg(c.text, c.count order by c.count desc, c.text), '{}')
    from (select t.text, count(*) from unnest(p_texts) as t(text) group by t.text) as c
$$;

comment on function tasker.count_texts(text[]) is
    'Internal. How often each text stands in an array.';
