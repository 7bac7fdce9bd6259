-- Who uses a place of a limit's concurrency: an attempt's message, or a task (`step_no` 0). It is good as long as the message is its
-- step's, or the task has something live: nothing takes a permit back, those that are good no more are swept when
-- places run out. The second index serves what a task holds.

create table tasker.permit (
    limit_id integer not null,
    key      text not null,
    task_id  uuid not null,
    step_no  integer not null,
    msg_id   bigint,
    primary key (limit_id, key, task_id, step_no)
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

create index permit_task on tasker.permit (task_id);
