-- Refuses to keep a result that the repeated task cannot have: a decision for branches that its version has not, or steps
-- asked for that refer to one that is not there. Internal. Reads only. Index: step's primary key.

create or replace function tasker.check_kept_steps(p_task_id uuid, p_steps integer[]) returns void
language plpgsql stable
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_fault record;
begin
    select tasker.step_name(d.name, (c.s).instance) as name, f.what into v_fault
    from (
        -- Steps that are kept at once count for the bounds one after the other, as in refuse_growth.
        select s, coalesce(sum(case jsonb_typeof(s.expansion) when 'array' then jsonb_array_length(s.expansion) end) over (
            order by s.step_no rows between unbounded preceding and 1 preceding), 0)::bigint as before
        from unnest(p_steps) as k(step_no) join tasker.step s on s.task_id = p_task_id and s.step_no = k.step_no
    ) as c join tasker.step_definition d on d.definition_id = (c.s).definition_id
    cross join lateral (
        select coalesce(tasker.find_growth_fault(d, (c.s).result), tasker.find_expansion_fault(c.s, d, c.before))) as f(what)
    where f.what is not null order by (c.s).step_no limit 1;
    if found then
        raise exception using errcode = 'TK004', message = format('step %s cannot be kept: %s', v_fault.name, v_fault.what),
            hint = 'Name it too among the steps to begin from. Nothing was changed.';
    end if;
end;
$$;

comment on function tasker.check_kept_steps(uuid, integer[]) is
    'Internal. Refuses to keep a result that the repeated task cannot have.';
