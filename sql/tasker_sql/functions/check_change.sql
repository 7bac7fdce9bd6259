-- Refuses a change of many tasks that is malformed: a verb that is none, a filter that is none or fits every task, a reason
-- or an actor that is missing. Internal. Reads nothing but its arguments.

create or replace function tasker.check_change(p_verb text, p_filter jsonb, p_reason text, p_actor text) returns void
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
begin
    if p_verb is null or p_verb not in ('cancel', 'compensate', 'retry', 'pause', 'resume', 'resolve') then
        raise exception using errcode = 'TK002', message = format('%L is no verb for tasks', p_verb),
            hint = 'It is cancel, compensate, retry, pause, resume or resolve.';
    end if;
    if coalesce(trim(p_reason), '') = '' or coalesce(trim(p_actor), '') = '' then
        raise exception using errcode = 'TK002', message = format('to %s needs a reason and an actor', p_verb),
            hint = 'Both are recorded with the change, for whoever reads it later.';
    end if;
    perform tasker.check_filter(p_filter);
    if p_filter = '{}' then
        raise exception using errcode = 'TK002', message = format('to %s tasks needs a filter: an empty one is every task', p_verb),
            hint = 'Say which, if only by their states. Nothing was changed.';
    end if;
end;
$$;

comment on function tasker.check_change(text, jsonb, text, text) is
    'Internal. Raises TK002 for a change of many tasks that is malformed.';
