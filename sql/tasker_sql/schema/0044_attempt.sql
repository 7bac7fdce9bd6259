-- An attempt that failed or was lost. The one that succeeded stands in the step's own row.

create table tasker.attempt (
    task_id    uuid not null,
    step_no    integer not null,
    attempt    smallint not null,
    outcome    text not null check (outcome in ('retry', 'error', 'lost', 'cancelled')),
    worker_id  uuid,
    started_at timestamptz,
    ended_at   timestamptz not null default now(),
    error      jsonb,
    primary key (task_id, step_no, attempt)
);
