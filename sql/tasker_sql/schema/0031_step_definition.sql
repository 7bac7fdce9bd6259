-- A template's steps, compiled to rows when it is registered, so that creating a task is one set-based insert. `step_no`
-- is the step's number in every task of the template; `parents` is how many steps it waits for. `initial` steps are in
-- every task from its beginning; the others stand behind a decision or a batch, and come when those have spoken, or are
-- compensations, which come when the task is undone, or dynamic: those come as often as a step asks for them that `expands`
-- to them (by name). `growing`: more may follow from the step's completion than its edges say.
-- `limit_ids` are the limits that it comes under, `limit_keys` the JSON path of each one's key in the task's input, or null.
-- `parallelism` is how many workers of one batch run at once, `on_failure` what one that failed means for its batch.

create table tasker.step_definition (
    definition_id      integer generated always as identity primary key,
    template_id        integer not null references tasker.template on delete cascade,
    step_no            integer not null,
    name               text not null check (length(name) between 1 and 133),
    handler            text not null,
    kind               text not null check (kind in ('standard', 'decision', 'deferred_convergence', 'batchable', 'batch_worker', 'dynamic', 'compensation')),
    queue_id           integer not null references tasker.queue,
    parents            integer not null,
    children           integer not null,
    initial            boolean not null,
    growing            boolean not null,
    expands            text[] not null,
    config             jsonb not null,
    input_schema       jsonb,
    result_schema      jsonb,
    max_attempts       smallint not null check (max_attempts between 1 and 1000),
    backoff            text not null check (backoff in ('none', 'fixed', 'linear', 'exponential', 'fibonacci')),
    backoff_base       interval not null,
    backoff_cap        interval not null,
    jitter             double precision not null check (jitter between 0 and 1),
    permanent_errors   text[] not null,
    attempt_time_limit interval,
    step_time_limit    interval,
    limit_ids          integer[] not null default '{}',
    limit_keys         text[] not null default '{}',
    parallelism        integer check (parallelism > 0),
    on_failure         text not null check (on_failure in ('wait', 'continue', 'fail_task')),
    unique (template_id, step_no),
    unique (template_id, name)
);

-- So that an exchange sees at once whether more follows from steps that it completed than their edges say.
create index step_definition_growing on tasker.step_definition (definition_id)
    where growing;
