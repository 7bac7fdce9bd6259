-- The templates that a filter names, by name or namespace/name, with @version or for all versions, within its namespaces;
-- null when it names neither. A name that is no template's is refused: a slip must not pass for an empty list. Internal. Reads only.

create or replace function tasker.find_filter_templates(p_filter jsonb) returns integer[]
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_names text[] := tasker.filter_texts(p_filter -> 'template');
    v_namespaces text[] := tasker.filter_texts(p_filter -> 'namespace');
    v_named text[];
    v_templates integer[];
begin
    if v_names is null and v_namespaces is null then
        return null;
    end if;
    select array_agg(p.template_id) filter (where v_namespaces is null or n.name = any (v_namespaces)), array_agg(w.name)
    into v_templates, v_named
    from tasker.template p join tasker.namespace n using (namespace_id)
    left join lateral unnest(v_names) as w(name) on w.name in (p.name, p.name || '@' || p.version, n.name || '/' || p.name,
        n.name || '/' || p.name || '@' || p.version)
    where v_names is null or w.name is not null;
    if exists (select from unnest(v_names) as w(name) where w.name <> all (coalesce(v_named, '{}'))) then
        raise exception using errcode = 'TK001',
            message = format('filter: no template %s', (select w.name from unnest(v_names) as w(name)
                where w.name <> all (coalesce(v_named, '{}')) limit 1)),
            hint = 'Name one as namespace/name or namespace/name@version. List them with list_templates.';
    end if;
    return coalesce(v_templates, '{}');
end;
$$;

comment on function tasker.find_filter_templates(jsonb) is
    'Internal. The templates that a filter names.';
