-- What dynamic steps wait for, and take results from, in their task. All other edges are the template's. The index serves
-- the way from a step to its parents.

create table tasker.task_edge (
    task_id uuid not null,
    from_no integer not null,
    to_no   integer not null,
    primary key (task_id, from_no, to_no)
);

create index task_edge_to on tasker.task_edge (task_id, to_no);
