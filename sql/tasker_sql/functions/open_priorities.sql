-- Has the queues of a template's steps look for messages of the given classes of priority from now on. A queue keeps a
-- class that it once had. Internal: part of a submission, and only of one whose tasks are not all of normal priority.
-- Locks: the queues' rows, by id, and only the first time.

create or replace function tasker.open_priorities(p_template_id integer, p_priorities smallint[]) returns void
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_queue_id integer;
begin
    for v_queue_id in
        select distinct q.queue_id
        from tasker.queue q cross join unnest(p_priorities) as p(priority)
        where q.queue_id in (select d.queue_id from tasker.step_definition d where d.template_id = p_template_id)
            and not exists (select from unnest(q.low_water) as w(mark) where -(w.mark >> 50) = p.priority)
        order by q.queue_id
    loop
        update tasker.queue q
        set low_water = (select array_agg(m.mark order by m.mark) from (
            select w.mark from unnest(q.low_water) as w(mark)
            union
            select p.priority * -1125899906842624 from unnest(p_priorities) as p(priority)
            where not exists (select from unnest(q.low_water) as w(mark) where -(w.mark >> 50) = p.priority)) as m)
        where q.queue_id = v_queue_id;
    end loop;
end;
$$;

comment on function tasker.open_priorities(integer, smallint[]) is
    'Internal. Has the queues of a template''s steps look for messages of the given classes of priority.';
