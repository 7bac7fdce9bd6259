-- How many more a limit lets begin now under a key (null: any number), and in how many seconds it is worth asking again where
-- only time is in the way. Sweeps what counts no more: permits only when places have run out. Internal.
-- Locks: the caller holds the key's advisory lock. Index: permit's and step's keys, start_key.

create or replace function tasker.measure_room(p_limit tasker.flow_limit, p_key text, out room integer, out again double precision)
returns record
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_recent record;
begin
    if p_limit.concurrency is not null then
        room := p_limit.concurrency - (select count(*) from tasker.permit p where p.limit_id = p_limit.limit_id and p.key = p_key);
        if room <= 0 then
            delete from tasker.permit p where p.limit_id = p_limit.limit_id and p.key = p_key
                and not (select g.good from tasker.is_good(p) as g);
            room := p_limit.concurrency
                - (select count(*) from tasker.permit p where p.limit_id = p_limit.limit_id and p.key = p_key);
        end if;
    end if;
    if p_limit.rate is not null then
        delete from tasker.start r where r.limit_id = p_limit.limit_id and r.key = p_key
            and r.over_at <= clock_timestamp();
        select coalesce(sum(r.count), 0)::integer as count, min(r.over_at) as first_over into v_recent
        from tasker.start r where r.limit_id = p_limit.limit_id and r.key = p_key;
        room := least(room, p_limit.rate - v_recent.count);
        if v_recent.count >= p_limit.rate then
            again := extract(epoch from v_recent.first_over - clock_timestamp());
        end if;
    end if;
end;
$$;

comment on function tasker.measure_room(tasker.flow_limit, text) is
    'Internal. How many more a limit lets begin now under a key.';
