-- Takes events out of their queue, that a reader has dealt with. A receipt is good until the event is given to another.
-- Locks: their messages. Index: the primary key of the queue.

create or replace function tasker.finish_events(queue text, receipts text[]) returns integer
language plpgsql volatile security definer
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_table text := format('pgmq.%I', 'q_event_' || coalesce(finish_events.queue, ''));
    v_finished integer;
begin
    if exists (select from unnest(finish_events.receipts) as r(receipt) where (r.receipt ~ '^[0-9]{1,18}:[0-9]{1,9}$') is not true) then
        raise exception using errcode = 'TK002', message = 'this is no receipt', hint = 'Give those that read_events gave. Nothing was finished.';
    end if;
    if to_regclass(v_table) is null then
        return 0;
    end if;
    execute format('delete from %s m using unnest($1) as r(receipt)
        where m.msg_id = split_part(r.receipt, '':'', 1)::bigint and m.read_ct = split_part(r.receipt, '':'', 2)::integer', v_table)
    using finish_events.receipts;
    get diagnostics v_finished = row_count;
    return v_finished;
end;
$$;

comment on function tasker.finish_events(text, text[]) is
    'Takes events out of their queue, by the receipts that read_events gave. Returns how many; an event whose lease was over, and '
    'that was given to another since, is not among them.';
