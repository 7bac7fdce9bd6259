-- A step of a task. No index but the key, and room on each page: its updates must stay heap-only. `waiting_on` counts
-- unresolved parents; `msg_id` is its message while it is enqueued or in progress, and the only one that is good for it;
-- `priority` is its task's, null where that is normal;
-- `attempt_limit` is the last attempt it may have (an operator's retry raises it); `deadline_at` ends the current attempt.
-- A step that came after its task began has `origin_no`, the step that brought it; one of a batch has its place in it,
-- `instance`, from 1 on, and its cursor, `input`. A compensation's `origin_no` is the step that it undoes. A dynamic step has
-- its place among those of its name, what it was given, {values, takes: parameter and step_no}, and its `depth` in the chain
-- of steps that brought it; `expansion` is what a step asked for.

create table tasker.step (
    task_id       uuid not null,
    step_no       integer not null,
    definition_id integer not null,
    msg_id        bigint,
    enqueued_at   timestamptz,
    started_at    timestamptz,
    completed_at  timestamptz,
    deadline_at   timestamptz,
    worker_id     uuid,
    waiting_on    integer not null check (waiting_on >= 0),
    state         tasker.step_state not null,
    attempt       smallint not null default 0,
    attempt_limit smallint not null,
    origin_no     integer,
    instance      integer,
    input         jsonb,
    result        jsonb,
    error         jsonb,
    progress      jsonb,
    priority      smallint,
    expansion     jsonb,
    depth         integer,
    primary key (task_id, step_no)
) with (fillfactor = 40, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
