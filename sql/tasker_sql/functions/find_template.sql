-- The template of that name and version, by default the one registered last; raises TK002 or TK001. Internal.

create or replace function tasker.find_template(p_namespace text, p_name text, p_version text) returns tasker.template
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_template tasker.template;
    v_known text;
begin
    select t.* into v_template
    from tasker.template t join tasker.namespace n using (namespace_id)
    where n.name = p_namespace and t.name = p_name and (p_version is null or t.version = p_version)
    order by t.template_id desc limit 1;
    if found then
        return v_template;
    end if;
    select string_agg(k.label, ', ' order by k.place) || case when max(k.total) > 5 then format(' and %s more', max(k.total) - 5) else '' end
    into v_known from (
        select n.name || '/' || t.name || ' ' || t.version as label, count(*) over () as total, row_number() over nearest as place
        from tasker.template t join tasker.namespace n using (namespace_id)
        window nearest as (
            order by (n.name = p_namespace and t.name = p_name) desc, n.name = p_namespace desc, t.template_id desc)
        order by place limit 5
    ) as k;
    raise exception using errcode = 'TK001',
        message = format('no template %s/%s%s', p_namespace, p_name, coalesce(' version ' || p_version, '')),
        hint = coalesce('Registered are: ' || v_known || '.', 'No template is registered yet: register one first.');
end;
$$;

comment on function tasker.find_template(text, text, text) is
    'Internal. A template by namespace, name and version (null: the one registered last).';
