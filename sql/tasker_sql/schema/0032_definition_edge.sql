-- The edges of a template. They are the same for each of its tasks and so are stored once, not per task
-- (docs/decisions/0001-static-edges.md). `many`: the parent is a batch worker or dynamic, so that a task
-- has any number of it. `guard`: the child takes nothing from the parent, and waits for it because that may bring parents of
-- it. The index serves the way from a step to its parents.

create table tasker.definition_edge (
    from_id integer not null references tasker.step_definition on delete cascade,
    to_id   integer not null references tasker.step_definition on delete cascade,
    from_no integer not null,
    to_no   integer not null,
    many    boolean not null,
    guard   boolean not null,
    primary key (from_id, to_id)
);

create index definition_edge_to on tasker.definition_edge (to_id, from_no);
