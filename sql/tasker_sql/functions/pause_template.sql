-- Pauses a template, and its open tasks a page at a time. The first call, without `before`, marks the template: from then on
-- new tasks of it are paused from their beginning.
-- Locks: the template's rows; then a page of its tasks, by id, and their steps and messages. Index: as find_tasks.

create or replace function tasker.pause_template(
    namespace text, name text, reason text, actor text, version text default null, before uuid default null,
    max_rows integer default 100
) returns json
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_page record;
    v_held uuid[];
begin
    if pause_template.before is null then
        perform tasker.change_template(pause_template.namespace, pause_template.name, pause_template.version, 'pause',
            pause_template.reason, pause_template.actor);
    end if;
    v_page := tasker.find_tasks(jsonb_build_object(
        'template', concat(pause_template.namespace, '/', pause_template.name, '@' || pause_template.version),
        'state', '["pending", "in_progress", "waiting", "blocked_by_failures"]'::jsonb),
        pause_template.before, least(greatest(pause_template.max_rows, 1), 1000));
    v_held := tasker.hold_tasks(v_page.ids);
    return json_build_object('changed', v_held, 'skipped', case when cardinality(v_held) < cardinality(v_page.ids)
        then json_build_object('it has moved on', cardinality(v_page.ids) - cardinality(v_held)) else '{}' end, 'next', v_page.next);
end;
$$;

comment on function tasker.pause_template(text, text, text, text, text, uuid, integer) is
    'Pauses a template, in one version or in all: no step of its tasks starts until it is resumed. New tasks are accepted, and wait. '
    'The first call marks it and pauses up to max_rows of its open tasks; call it again with before, the next that it '
    'returned, until that is null, each time in a transaction of its own. Returns as change_tasks. TK001 when there is none, TK004 when '
    'it is paused already.';
