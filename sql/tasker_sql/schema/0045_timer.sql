-- Whatever is due later. Queues hold only steps that can run now. `step_no` is 0 for a timer of the whole task.
-- Changed only under the task's lock. The index serves the promoter.

create table tasker.timer (
    fire_at timestamptz not null,
    task_id uuid not null,
    step_no integer not null,
    kind    tasker.timer_kind not null,
    primary key (task_id, step_no, kind)
);

create index timer_due on tasker.timer (fire_at);
