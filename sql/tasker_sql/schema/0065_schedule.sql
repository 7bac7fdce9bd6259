-- What submits tasks by the clock. `definition` is what was given, with defaults filled in (check_schedule has its keys).
-- Every fire up to `decided_until` has been decided. `next_fire_at` is the nominal time of the first that was not, when it
-- is known; `wake_at` is when the scheduler has something to do, null when never. `revision` counts changes of any kind: who
-- decides fires says which one he has read, so that each is decided once, however many orchestrators run. `fault`: why its
-- times cannot be found.

create table tasker.schedule (
    schedule_id   integer generated always as identity primary key,
    namespace_id  integer not null references tasker.namespace,
    name          text not null check (length(name) between 1 and 128),
    definition    jsonb not null,
    revision      bigint not null default 1,
    decided_until timestamptz not null default now(),
    next_fire_at  timestamptz,
    wake_at       timestamptz default now(),
    paused        boolean not null default false,
    note          text,
    fault         text,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),
    unique (namespace_id, name)
);

create index schedule_due on tasker.schedule (wake_at) where wake_at is not null;
