-- The tasks that fit a filter, newest first, a page at a time: up to `p_max_rows` of those older than `p_before`, and where
-- to go on (null: no more). `p_among`: only of these. What a filter says of steps is looked up task by task, so a page ends
-- after 10,000 of them as well, found or not. Internal. Reads only. Index: the primary key backwards; task_open,
-- task_failed, task_tags and task_correlation where they fit, which only a plan made for the given filter can know.

create or replace function tasker.find_tasks(
    p_filter jsonb, p_before uuid, p_max_rows integer, p_among uuid[] default null, out ids uuid[], out next uuid
) returns record
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_hashjoin = off
set enable_mergejoin = off
set jit = off
as $$
declare
    v_templates integer[];
    v_times record;
    v_states tasker.task_state[];
    v_tags text[];
    v_priorities smallint[];
    v_correlations uuid[];
    v_originals uuid[];
    v_parents uuid[];
    v_stored tasker.task_state[];
    v_steps text[];
    v_types text[];
    v_messages text[];
    v_fingerprints text[];
    v_failing boolean;
    v_look integer;
begin
    perform tasker.check_filter(p_filter);
    v_templates := tasker.find_filter_templates(p_filter);
    v_states := tasker.filter_texts(p_filter -> 'state');
    v_tags := tasker.filter_texts(p_filter -> 'tag');
    v_priorities := tasker.filter_texts(p_filter -> 'priority');
    v_correlations := tasker.filter_texts(p_filter -> 'correlation_id');
    -- What is shown as waiting is stored as in progress.
    v_stored := case when 'waiting' = any (v_states) then v_states || '{in_progress}' else v_states end;
    v_parents := tasker.filter_texts(p_filter -> 'parent');
    v_originals := tasker.filter_texts(p_filter -> 'rerun_of');
    select c.after as created_after, c.before as created_before, d.after as completed_after, d.before as completed_before,
        s.after as started_after, s.before as started_before, tasker.uuidv7_at(c.after) as first_id
    into v_times
    from tasker.filter_times(p_filter -> 'created') as c, tasker.filter_times(p_filter -> 'completed') as d,
        tasker.filter_times(p_filter -> 'started') as s;
    v_steps := tasker.filter_texts(p_filter -> 'failed');
    v_types := tasker.filter_texts(p_filter -> 'error');
    v_fingerprints := tasker.filter_texts(p_filter -> 'fingerprint');
    select array_agg('%' || regexp_replace(lower(m.text), '([\\%_])', '\\\1', 'g') || '%') into v_messages
    from unnest(tasker.filter_texts(p_filter -> 'message')) as m(text);
    v_failing := p_filter ?| '{failed,error,message,fingerprint}';
    v_look := case when v_failing or p_filter ? 'started' then greatest(p_max_rows, 10000) else p_max_rows end;

    with walked as materialized (
        select t.task_id, t.template_id from tasker.task t
        where (p_before is null or t.task_id < p_before)
            and (p_among is null or t.task_id = any (p_among))
            and (v_states is null or t.state = any (v_stored) and tasker.shown_state(t) = any (v_states))
            and (v_templates is null or t.template_id = any (v_templates))
            and (v_tags is null or t.tags @> v_tags and t.tags <> '{}')
            and (v_priorities is null or t.priority = any (v_priorities))
            and (v_correlations is null or t.correlation_id = any (v_correlations))
            and (v_parents is null or t.task_id in (select c.child_id from tasker.child c where c.parent_id = any (v_parents)))
            and (v_originals is null or t.rerun_of = any (v_originals))
            and (v_times.created_after is null or t.task_id >= v_times.first_id and t.created_at > v_times.created_after)
            and (v_times.created_before is null or t.created_at < v_times.created_before)
            and (v_times.completed_after is null or t.completed_at > v_times.completed_after)
            and (v_times.completed_before is null or t.completed_at < v_times.completed_before)
            and (v_times.started_before is null or t.created_at < v_times.started_before)
            and (v_times.started_after is null or t.completed_at is null or t.completed_at > v_times.started_after)
            and (not v_failing or t.failed > 0 or t.ends_as is not null)
        order by t.task_id desc limit v_look
    ), fitting as (
        select w.task_id from walked w
        where (not v_failing or (
                -- A subquery of one row is not turned into a join, which might walk all steps, and in another order.
                select true from tasker.step s join tasker.step_definition d using (definition_id)
                where s.task_id = w.task_id and s.state = 'error'
                    and (v_steps is null or d.name = any (v_steps) or tasker.step_name(d.name, s.instance) = any (v_steps))
                    and (v_types is null or s.error ->> 'type' = any (v_types) or coalesce(s.error -> 'kinds' ?| v_types, false))
                    and (v_messages is null or lower(s.error ->> 'message') like any (v_messages))
                    and (v_fingerprints is null or (
                        select tasker.fingerprint_error(n.name, p.name, d.name, s.error)
                        from tasker.template p join tasker.namespace n using (namespace_id)
                        where p.template_id = w.template_id) = any (v_fingerprints))
                limit 1))
            and (not p_filter ? 'started' or tasker.has_started(w.task_id, p_filter -> 'started'))
        limit p_max_rows
    ), page as (
        select coalesce(array_agg(f.task_id order by f.task_id desc), '{}') as ids from fitting f
    )
    select p.ids, case when cardinality(p.ids) = p_max_rows then p.ids[p_max_rows]
        else (select (array_agg(w.task_id order by w.task_id))[1] from walked w having count(*) = v_look) end
    into ids, next from page p;
end;
$$;

comment on function tasker.find_tasks(jsonb, uuid, integer, uuid[]) is
    'Internal. The tasks that fit a filter, a page at a time.';
