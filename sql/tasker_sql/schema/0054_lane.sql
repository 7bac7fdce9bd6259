-- When each lane of a limited queue last had its turn, so that lanes take turns. Written only by whoever holds the queue's
-- advisory lock (admit). Unlogged: after a crash all lanes are equal again.

create unlogged table tasker.lane (
    queue_id  integer not null,
    lane      bigint not null,
    served_at timestamptz not null,
    primary key (queue_id, lane)
) with (fillfactor = 60);
