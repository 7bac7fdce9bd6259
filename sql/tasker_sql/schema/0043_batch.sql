-- The workers of one batch: which steps of the task they are (`size` numbers from `first_no` on), and how many have had
-- their turn. The rest wait, where the definition limits how many run at once.

create table tasker.batch (
    task_id       uuid not null,
    definition_id integer not null,
    first_no      integer not null,
    size          integer not null,
    released      integer not null check (released between 0 and size),
    primary key (task_id, definition_id)
);
