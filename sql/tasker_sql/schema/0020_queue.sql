-- A queue is one pgmq queue, for one pool of workers. `message_table` and `message_sequence` are pgmq's own objects, so
-- that no name has to be put together at run time. A message's id is its number in the sequence, moved by 2^50 for each
-- class of priority below normal or (down) above it, so that each class has a range of its own and ids sort as claims go.
-- `low_water` has a mark for each class that the queue has ever had, in that order: no message of the class below it can
-- still become visible, so that a claim need not step over dead rows; `low_water_next` and `low_water_xid` are the
-- sequence's position that the marks may rise to next, and when. Of a queue that is `paused` nothing is granted.
-- The steps of a `limited` one stand in line (tasker.line) until it is their turn; `limit_id` is the limit of the queue itself.

create table tasker.queue (
    queue_id         integer generated always as identity primary key,
    name             text not null unique check (name ~ '^[a-z][a-z0-9_]{0,38}$'),
    message_table    regclass not null,
    message_sequence regclass not null,
    low_water        bigint[] not null default '{0}',
    low_water_next   bigint not null default 0,
    low_water_xid    xid8 not null default '0',
    paused           boolean not null default false,
    limited          boolean not null default false,
    limit_id         integer references tasker.flow_limit,
    created_at       timestamptz not null default now()
);
