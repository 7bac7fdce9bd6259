-- Resumes a template, and what its pause has paused of its tasks, a page at a time. The first call, without `before`, unmarks it.
-- Locks: the template's rows; then a page of its tasks, by id, and their steps. Index: as find_tasks.

create or replace function tasker.resume_template(
    namespace text, name text, reason text, actor text, version text default null, before uuid default null,
    max_rows integer default 100
) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_page record;
    v_released uuid[];
begin
    if resume_template.before is null then
        perform tasker.change_template(resume_template.namespace, resume_template.name, resume_template.version, 'resume',
            resume_template.reason, resume_template.actor);
    end if;
    v_page := tasker.find_tasks(jsonb_build_object(
        'template', concat(resume_template.namespace, '/', resume_template.name, '@' || resume_template.version),
        'state', 'paused'), resume_template.before, least(greatest(resume_template.max_rows, 1), 1000));
    v_released := tasker.release_tasks(v_page.ids);
    return json_build_object('changed', v_released, 'skipped', case when cardinality(v_released) < cardinality(v_page.ids)
        then json_build_object('an operator has paused it', cardinality(v_page.ids) - cardinality(v_released)) else '{}' end,
        'next', v_page.next);
end;
$$;

comment on function tasker.resume_template(text, text, text, text, text, uuid, integer) is
    'Resumes a template, in one version or in all, and those of its tasks that its pause has paused; what operators have paused one by one stays '
    'so. Called page by page and returns, as pause_template. TK004 when it is not paused.';
