-- Bounds what a claim returns, where all that it has leased may be too much for one answer: describes as many steps, in their order, as come to
-- 64 MB, and gives back the others. The first one may come to 256 MB; one that comes to more fails for good, because no claim of its
-- queue could go past it. Returns what describe_grants does. Internal: part of an exchange, after its claims, which hold the
-- messages and steps. It tries one, then at most twice as many, by what those before have come to: many steps may share what is large.
-- Locks: the task of a step that fails, unless it is held; then that step is given back too, and is looked at again.

create or replace function tasker.fit_grants(p_tasks uuid[], p_steps integer[], p_messages bigint[], p_reads integer[]) returns json
language plpgsql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
declare
    v_fit integer := 0;
    v_try integer := 1;
    v_granted json;
    v_more json;
begin
    loop
        v_more := tasker.describe_grants(p_tasks[:v_try], p_steps[:v_try], p_messages[:v_try], p_reads[:v_try]);
        exit when v_more is null or octet_length(v_more::text) > case v_fit when 0 then 268435456 else 67108864 end;
        v_granted := v_more;
        v_fit := v_try;
        v_try := least(v_fit * 2, v_fit * 67108864::bigint / octet_length(v_granted::text), cardinality(p_tasks));
        exit when v_try <= v_fit;
    end loop;
    if v_fit = 0 and tasker.refuse_grant(p_tasks[1], p_steps[1], p_messages[1], p_reads[1]) then
        v_fit := 1;
    end if;
    perform tasker.return_grants(p_tasks[v_fit + 1:], p_steps[v_fit + 1:], p_messages[v_fit + 1:]);
    return v_granted;
end;
$$;

comment on function tasker.fit_grants(uuid[], integer[], bigint[], integer[]) is
    'Internal. Describes as many granted steps as fit into one answer, and gives back the others.';
