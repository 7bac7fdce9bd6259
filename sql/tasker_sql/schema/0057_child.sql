-- Tasks that a step of another task, the parent, has started: under a name that is used once by each step, so that a step which
-- runs again finds the child that it has. `depth` counts from a task without a parent. `open`: it has not ended; kept under the
-- child's lock. The index serves the end of a parent. The row goes when the child is pruned.

create table tasker.child (
    child_id      uuid primary key,
    parent_id     uuid not null,
    parent_step   integer not null,
    name          text not null check (length(name) between 1 and 255),
    depth         smallint not null check (depth between 1 and 32),
    on_parent_end text not null check (on_parent_end in ('cancel', 'leave')),
    open          boolean not null default true,
    unique (parent_id, parent_step, name)
);

create index child_to_end on tasker.child (parent_id, child_id) where open and on_parent_end = 'cancel';
