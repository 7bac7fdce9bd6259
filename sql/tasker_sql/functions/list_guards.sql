-- What a definition's convergences wait for beside what they depend on: one that gathers dynamic steps waits for each step that
-- may bring them, or may bring a step that does. So it never starts while another could come. Internal. Reads nothing but
-- its argument. Its joins are of what no index serves, so that a caller's pinned plans are not for it.

create or replace function tasker.list_guards(p_steps jsonb) returns table (parent text, child text)
language sql immutable parallel safe
set search_path = pg_catalog, tasker, pg_temp
set enable_hashjoin = on
as $$
    with recursive brings as (
        select s.value ->> 'name' as parent, x.name from jsonb_array_elements(p_steps) as s
        cross join jsonb_array_elements_text(coalesce(nullif(s.value -> 'expands', 'null'), '[]')) as x(name)
    ), guard as (
        select b.parent, s.value ->> 'name' as child
        from jsonb_array_elements(p_steps) as s
        cross join jsonb_array_elements_text(coalesce(s.value -> 'depends_on', '[]')) as d(name)
        join brings b on b.name = d.name
        union
        select b.parent, g.child from guard g join brings b on b.name = g.parent
    )
    select g.parent, g.child from guard g
$$;

comment on function tasker.list_guards(jsonb) is
    'Internal. What convergences wait for because it may bring what they gather.';
