-- Lets the server end this transaction when its client has been silent for a minute: one that is frozen, or cut off without a
-- word, would hold its locks for as long as it is so. A shorter limit that is set stays. Internal. Locks, index: none.

create or replace function tasker.end_if_idle() returns void
language sql volatile
set search_path = pg_catalog, tasker, pg_temp
as $$
    select set_config('idle_in_transaction_session_timeout', '1min', true)
    where current_setting('idle_in_transaction_session_timeout')::interval not between '1 ms' and '1 min'
$$;

comment on function tasker.end_if_idle() is
    'Internal. Lets the server end this transaction when its client has been silent for a minute.';
