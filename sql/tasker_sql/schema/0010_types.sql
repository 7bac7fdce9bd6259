-- The states of tasks and steps, and what a timer is for. docs/state-machines.md has every transition.

create type tasker.task_state as enum (
    'pending',              -- accepted, starts later
    'in_progress',          -- some step can run, runs, or waits for its time
    'waiting',              -- every live step waits for something from outside; never stored, see shown_state
    'paused',               -- an operator holds it
    'blocked_by_failures',  -- nothing can run any more, because a step failed
    'complete',
    'error',                -- ended by its time limit
    'cancelled',
    'resolved_manually'
);

create type tasker.step_state as enum (
    'pending',              -- waits for its parents, or for its paused task
    'enqueued',             -- a message for it is in its queue
    'in_progress',          -- a worker holds the message's lease
    'waiting_for_retry',    -- a timer will enqueue it again
    'waiting',              -- waits for something from outside
    'complete',
    'error',                -- failed for good; an operator may retry or resolve it
    'cancelled',
    'resolved_manually',
    'tolerated'             -- failed for good, and its batch goes on without it
);

create type tasker.timer_kind as enum (
    'retry',                -- enqueue the step again
    'step_time_limit',      -- the step has had its time
    'task_start',           -- enqueue the task's first steps
    'task_time_limit',      -- the task has had its time
    'children',             -- the task has ended or is undone, and children of it are open that are to end with it
    'task_ended',           -- the task that the step waits for has ended; before wake, so that it wins over a time limit
    'wake'                  -- the step has waited long enough
);
