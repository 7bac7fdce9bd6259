-- How many were started under a limit with a rate, and when they are over and count no more. So no more are started than fit into
-- any period; rows that are over are swept when the limit is looked at.

create table tasker.start (
    limit_id integer not null,
    key      text not null,
    over_at  timestamptz not null,
    count    integer not null
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

create index start_key on tasker.start (limit_id, key, over_at);
