-- What a handler has saved under a name, or what a wait of it has come to, so that the next run of the step goes on from
-- there. Written once, but for how far a handler has come.

create table tasker.checkpoint (
    task_id  uuid not null,
    step_no  integer not null,
    name     text not null check (length(name) between 1 and 300),
    value    jsonb not null,
    saved_at timestamptz not null default now(),
    primary key (task_id, step_no, name)
);
