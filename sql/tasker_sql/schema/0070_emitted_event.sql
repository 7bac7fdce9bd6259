-- Events that steps have emitted, once for each key: while a row is here, its key brings no second event. What is to be
-- read of it travels in a message of the pgmq queue `event_<queue>`. `place` is the step, and where in it, that emitted it.

create table tasker.emitted_event (
    event_id   uuid primary key,
    namespace  text not null,
    name       text not null check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    key        text not null check (length(key) > 0 and octet_length(key) <= 1000),
    queue      text not null,
    payload    jsonb not null,
    task_id    uuid,
    place      text,
    emitted_at timestamptz not null default now(),
    unique (namespace, name, key)
);

create index emitted_event_by_name on tasker.emitted_event (name, event_id);
