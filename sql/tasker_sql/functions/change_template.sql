-- Pauses or resumes a template for an operator, in one version or in all, and writes that down. Internal.
-- Locks: the template's rows, in the order of their ids; submissions read them and do not lock.

create or replace function tasker.change_template(
    p_namespace text, p_name text, p_version text, p_verb text, p_reason text, p_actor text
) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_found tasker.template := tasker.find_template(p_namespace, p_name, p_version);
    v_changed integer[];
begin
    if coalesce(trim(p_reason), '') = '' or coalesce(trim(p_actor), '') = '' then
        raise exception using errcode = 'TK002', message = format('to %s needs a reason and an actor', p_verb),
            hint = 'Both are recorded with the change, for whoever reads it later.';
    end if;
    perform from (select from tasker.template t where t.namespace_id = v_found.namespace_id and t.name = v_found.name
        order by t.template_id for no key update) as held;
    with changed as (
        update tasker.template t set paused = (p_verb = 'pause')
        where t.namespace_id = v_found.namespace_id and t.name = v_found.name and (p_version is null or t.version = p_version)
            and t.paused <> (p_verb = 'pause')
        returning t.template_id
    )
    select array_agg(c.template_id) into v_changed from changed c;
    if v_changed is null then
        raise exception using errcode = 'TK004', message = format('template %s/%s%s is %s', p_namespace, p_name,
                coalesce('@' || p_version, ''), case p_verb when 'pause' then 'paused already' else 'not paused' end),
            hint = case p_verb when 'pause' then 'Resume it first to pause it for another reason.' else 'There is nothing to resume.' end;
    end if;
    insert into tasker.template_action (template_id, verb, reason, actor)
    select c.template_id, p_verb, p_reason, p_actor from unnest(v_changed) as c(template_id) order by c.template_id;
end;
$$;

comment on function tasker.change_template(text, text, text, text, text, text) is
    'Internal. Pauses or resumes a template for an operator, and writes that down.';
