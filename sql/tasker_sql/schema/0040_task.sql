-- One run of a template. `live` counts its steps that are enqueued, in progress or waiting: the task has come to rest
-- when it reaches zero. While it is paused, those that are pending with nothing to wait for count too. `failed` counts its steps in state error. A completion that hands on to exactly one step leaves
-- both alone, and so does not touch this row at all. `watched`: somebody listens for its end.
-- `linked`: other tasks have to know of its end, because it is a child, has children, or is waited for. `ends_as`:
-- what it had completed is or was undone, so that it ends in this state; from then on `failed` counts compensations only.
-- `rerun_of`: the task that this one repeats.

create table tasker.task (
    task_id         uuid primary key,
    template_id     integer not null,
    live            integer not null,
    failed          integer not null default 0,
    state           tasker.task_state not null,
    priority        smallint not null check (priority between -2 and 2),
    watched         boolean not null default false,
    linked          boolean not null default false,
    ends_as         tasker.task_state check (ends_as in ('cancelled', 'error')),
    created_at      timestamptz not null default now(),
    start_at        timestamptz,
    completed_at    timestamptz,
    correlation_id  uuid,
    idempotency_key text,
    reason          text,
    rerun_of        uuid,
    tags            text[] not null,
    trace_context   jsonb,
    context         jsonb not null,
    input           jsonb not null,
    check (live >= 0 and failed >= 0)
) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

-- For the rescuer and for lists of what is open.
create index task_open on tasker.task (task_id)
    where state in ('pending', 'in_progress', 'waiting', 'paused', 'blocked_by_failures');
-- For lists of tasks by what failed in them. A task that is undone counts anew, and so is in it as such.
create index task_failed on tasker.task (task_id)
    where failed > 0 or ends_as is not null;
create index task_correlation on tasker.task (correlation_id) where correlation_id is not null;
create index task_rerun on tasker.task (rerun_of) where rerun_of is not null;
create index task_tags on tasker.task using gin (tags) where tags <> '{}';
