-- How long to wait after a failed attempt: by the definition's kind, base and cap, then spread by its jitter, so that
-- what failed together does not come back together. Counted in seconds, since no interval can hold what an uncapped
-- exponential comes to. Internal.

create or replace function tasker.backoff_delay(p_definition tasker.step_definition, p_attempt integer) returns interval
language sql volatile parallel safe
set search_path = pg_catalog, pg_temp
as $$
    select make_interval(secs => w.seconds * (1 + p_definition.jitter * (2 * random() - 1)))
    from (select least(extract(epoch from p_definition.backoff_cap)::double precision,
        extract(epoch from p_definition.backoff_base)::double precision * case p_definition.backoff
            when 'none' then 0
            when 'fixed' then 1
            when 'linear' then p_attempt
            when 'exponential' then power(2, least(p_attempt - 1, 60))
            when 'fibonacci' then round(power(1.618033988749895, least(p_attempt, 90)) / 2.23606797749979)
        end) as seconds) as w
$$;

comment on function tasker.backoff_delay(tasker.step_definition, integer) is
    'Internal. How long to wait after a failed attempt.';
