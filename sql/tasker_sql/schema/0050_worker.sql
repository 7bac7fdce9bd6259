-- Processes that take steps, as they last reported. Unlogged: after a crash of the server they report again.
-- `idle`: it found nothing and listens, so a new message is worth a notification.

create unlogged table tasker.worker (
    worker_id     uuid primary key,
    name          text not null,
    queue_ids     integer[] not null,
    slots         integer not null,
    running       integer not null default 0,
    idle          boolean not null default false,
    handlers      text[] not null,
    version       text not null,
    registered_at timestamptz not null default now(),
    seen_at       timestamptz not null default now()
) with (fillfactor = 50);
