-- A namespace holds templates. Its steps go to its own queue unless their definition names another.

create table tasker.namespace (
    namespace_id integer generated always as identity primary key,
    name         text not null unique check (name ~ '^[a-zA-Z][a-zA-Z0-9_-]{0,28}$'),
    queue_id     integer not null references tasker.queue,
    created_at   timestamptz not null default now()
);
