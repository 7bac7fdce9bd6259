-- What a step in state waiting waits for: an event, the end of another task (`awaits`; with `until_blocked`, also that it is
-- blocked), or a time (its timer of kind wake), or whichever comes first. `name` is the checkpoint that the wait's end is saved
-- under. Changed only under the task's lock. The index serves a task that ends.

create table tasker.wait (
    task_id       uuid not null,
    step_no       integer not null,
    name          text not null,
    event         text,
    awaits        uuid,
    until_blocked boolean not null default false,
    since         timestamptz not null default now(),
    primary key (task_id, step_no)
);

create index wait_awaits on tasker.wait (awaits) where awaits is not null;
