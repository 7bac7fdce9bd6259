-- Why a step that stands in line is not let out, as a sentence; null where it does not stand there. Internal. Reads only.
-- Index: line_message, line's primary key.

create or replace function tasker.explain_turn(p_queue_id integer, p_msg_id bigint) returns text
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_line tasker.line;
    v_before bigint;
    v_limits text;
begin
    select l.* into v_line from tasker.line l where l.queue_id = p_queue_id and l.msg_id = p_msg_id;
    if not found then
        return null;
    end if;
    select count(*) into v_before from (
        select from tasker.line l where l.queue_id = p_queue_id and l.class = v_line.class and l.lane = v_line.lane
            and l.msg_id < p_msg_id limit 100000) as k;
    select string_agg(format('%s%s (%s)', f.name, case when g.key <> '' then format(', key %s', g.key) end,
        coalesce(nullif(concat_ws(', ', 'at most ' || f.concurrency || ' at once',
            'at most ' || f.rate || ' in ' || f.period), ''), 'keys take turns')), '; ')
    into v_limits
    from unnest(v_line.limit_ids, v_line.keys) as g(limit_id, key) join tasker.flow_limit f using (limit_id);
    return format('it stands in line, with %s before it', v_before) || coalesce(', under limit ' || v_limits, '');
end;
$$;

comment on function tasker.explain_turn(integer, bigint) is
    'Internal. Why a step that stands in line is not let out.';
