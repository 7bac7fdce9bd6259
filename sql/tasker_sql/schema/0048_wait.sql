-- What a step in state waiting waits for: an event, or a time (its timer of kind wake), or whichever comes first. `name` is
-- the checkpoint that the wait's end is saved under. Changed only under the task's lock.

create table tasker.wait (
    task_id uuid not null,
    step_no integer not null,
    name    text not null,
    event   text,
    since   timestamptz not null default now(),
    primary key (task_id, step_no)
);
