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

-- What bounds how much goes on at once, or in a time: at most `concurrency` of what it counts (`unit`: attempts of steps, or
-- tasks), and at most `rate` starts of them in any `period`, for each key. What a definition that refers to it takes for the key
-- stands there. With neither number, its keys only take turns. A template's is called namespace/name, a queue's queue:name.

create table tasker.flow_limit (
    limit_id    integer generated always as identity primary key,
    name        text not null unique,
    unit        text not null check (unit in ('step', 'task')),
    concurrency integer check (concurrency between 1 and 1000000),
    rate        integer check (rate between 1 and 1000000),
    period      interval check (period between interval '1 millisecond' and interval '1 day'),
    created_at  timestamptz not null default now(),
    check ((rate is null) = (period is null))
);

-- A queue is one pgmq queue, for one pool of workers. `message_table` and `message_sequence` are pgmq's own objects, so
-- that no name has to be put together at run time. A message's id is its number in the sequence, moved by 2^50 for each
-- class of priority below normal or (down) above it, so that each class has a range of its own and ids sort as claims go.
-- `low_water` has a mark for each class that the queue has ever had, in that order: no message of the class below it can
-- still become visible, so that a claim need not step over dead rows; `low_water_next` and `low_water_xid` are the
-- sequence's position that the marks may rise to next, and when. Of a queue that is `paused` nothing is granted.
-- The steps of a `limited` one stand in line (tasker.line) until it is their turn; `limit_id` is the limit of the queue itself.

create table tasker.queue (
    queue_id         integer generated always as identity primary key,
    name             text not null unique check (name ~ '^[a-z][a-z0-9_]{0,38}$'),
    message_table    regclass not null,
    message_sequence regclass not null,
    low_water        bigint[] not null default '{0}',
    low_water_next   bigint not null default 0,
    low_water_xid    xid8 not null default '0',
    paused           boolean not null default false,
    limited          boolean not null default false,
    limit_id         integer references tasker.flow_limit,
    created_at       timestamptz not null default now()
);

-- A namespace holds templates. Its steps go to its own queue unless their definition names another.

create table tasker.namespace (
    namespace_id integer generated always as identity primary key,
    name         text not null unique check (name ~ '^[a-zA-Z][a-zA-Z0-9_-]{0,28}$'),
    queue_id     integer not null references tasker.queue,
    created_at   timestamptz not null default now()
);

-- A template is immutable once registered: a task keeps the one it began with. `definition` is what was registered;
-- `fingerprint` is the SHA-256 of its canonical text. `on_failure` is what becomes of a task that a failure has stopped.
-- `max_steps` and `max_depth` bound how many dynamic steps one task has, and how long a chain of them is.
-- `input_schema` is a part of the definition that workers ask for; the whole may be megabytes.
-- `paused`: new tasks of it are paused from their beginning.

create table tasker.template (
    template_id  integer generated always as identity primary key,
    namespace_id integer not null references tasker.namespace,
    name         text not null check (length(name) between 1 and 255),
    version      text not null check (length(version) between 1 and 50),
    fingerprint  text not null,
    definition   jsonb not null,
    input_schema jsonb,
    time_limit   interval,
    on_failure   text not null check (on_failure in ('wait', 'compensate')),
    max_steps    integer not null check (max_steps between 1 and 100000),
    max_depth    integer not null check (max_depth between 1 and 100000),
    paused       boolean not null default false,
    created_at   timestamptz not null default now(),
    unique (namespace_id, name, version)
);

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

-- Which task a client's key stands for, within one template name. The row goes when its task is pruned.

create table tasker.idempotency_key (
    namespace_id  integer not null,
    template_name text not null,
    key           text not null check (length(key) between 1 and 512),
    task_id       uuid not null,
    primary key (namespace_id, template_name, key)
);

-- For the pruner.
create index idempotency_key_task on tasker.idempotency_key (task_id);

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

-- What a handler has saved under a name, or what a wait of it has come to, so that the next run of the step goes on from
-- there. Written once, but for how far a handler has come.

create table tasker.checkpoint (
    task_id  uuid not null,
    step_no  integer not null,
    name     text not null check (length(name) between 1 and 300),
    value    jsonb not null,
    saved_at timestamptz not null default now(),
    primary key (task_id, step_no, name)
);

-- Events that were sent to a task, by name. The first delivery wins, also when it came before anyone waited for it.

create table tasker.event (
    task_id uuid not null,
    name    text not null check (length(name) between 1 and 255),
    payload jsonb not null,
    sent_at timestamptz not null default now(),
    primary key (task_id, name)
);

-- What a step in state waiting waits for: an event, the end of another task (`awaits`; with `until_blocked`, also that it is
-- blocked), or a time (its timer of kind wake), or whichever comes first. `name` is the checkpoint that the wait's end is saved
-- under. Changed only under the task's lock. The index serves a task that ends.

create table tasker.wait (
    task_id       uuid not null,
    step_no       integer not null,
    name          text not null,
    event         text,
    awaits        uuid,
    until_blocked boolean not null default false,
    since         timestamptz not null default now(),
    primary key (task_id, step_no)
);

create index wait_awaits on tasker.wait (awaits) where awaits is not null;

-- What dynamic steps wait for, and take results from, in their task. All other edges are the template's. The index serves
-- the way from a step to its parents.

create table tasker.task_edge (
    task_id uuid not null,
    from_no integer not null,
    to_no   integer not null,
    primary key (task_id, from_no, to_no)
);

create index task_edge_to on tasker.task_edge (task_id, to_no);

-- Processes that take steps, as they last reported. Unlogged: after a crash of the server they report again.
-- `idle`: it found nothing and listens, so a new message is worth a notification.

create unlogged table tasker.worker (
    worker_id     uuid primary key,
    name          text not null,
    queue_ids     integer[] not null,
    slots         integer not null,
    running       integer not null default 0,
    idle          boolean not null default false,
    handlers      text[] not null,
    version       text not null,
    registered_at timestamptz not null default now(),
    seen_at       timestamptz not null default now()
) with (fillfactor = 50);

-- Orchestrators, as they last reported. They hold no state and any number may run; this is for people to see.

create unlogged table tasker.orchestrator (
    orchestrator_id uuid primary key,
    name            text not null,
    registered_at   timestamptz not null default now(),
    seen_at         timestamptz not null default now()
) with (fillfactor = 50);

-- What undoes a step of a template: a step definition of kind compensation. The higher `rank`, the longest way to the step
-- from the template's beginning, the sooner: whatever came later is undone first. `started`: it undoes also what was
-- started and did not complete. `takes` are other definitions whose results its handler is given.

create table tasker.compensation (
    definition_id integer primary key references tasker.step_definition on delete cascade,
    undoes_id     integer not null unique references tasker.step_definition on delete cascade,
    rank          integer not null,
    started       boolean not null,
    takes         integer[] not null
);

-- The messages of limited queues whose turn has not come. They are not in their queue's table yet, but they have their ids,
-- and their steps are enqueued. `lane` stands for `limit_ids` and `keys`, the limits that the step comes under and its key in each; the
-- first of each lane is looked at, and no other. `class` is that of its priority, as in the message's id. A row whose step has
-- moved on is left, and dropped when it is its turn.

create table tasker.line (
    queue_id    integer not null,
    class       smallint not null,
    lane        bigint not null,
    msg_id      bigint not null,
    task_id     uuid not null,
    step_no     integer not null,
    limit_ids   integer[] not null,
    keys        text[] not null,
    enqueued_at timestamptz not null,
    primary key (queue_id, class, lane, msg_id)
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);

-- For whoever knows a step's message: is it in line, and where does the oldest stand.
create unique index line_message on tasker.line (queue_id, msg_id);

-- When each lane of a limited queue last had its turn, so that lanes take turns. Written only by whoever holds the queue's
-- advisory lock (admit). Unlogged: after a crash all lanes are equal again.

create unlogged table tasker.lane (
    queue_id  integer not null,
    lane      bigint not null,
    served_at timestamptz not null,
    primary key (queue_id, lane)
) with (fillfactor = 60);

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

-- How many were started under a limit with a rate, and when they are over and count no more. So no more are started than fit into
-- any period; rows that are over are swept when the limit is looked at.

create table tasker.start (
    limit_id integer not null,
    key      text not null,
    over_at  timestamptz not null,
    count    integer not null
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);

create index start_key on tasker.start (limit_id, key, over_at);

-- Tasks that a step of another task, the parent, has started: under a name that is used once by each step, so that a step which
-- runs again finds the child that it has. `depth` counts from a task without a parent. `open`: it has not ended; kept under the
-- child's lock. The index serves the end of a parent. The row goes when the child is pruned.

create table tasker.child (
    child_id      uuid primary key,
    parent_id     uuid not null,
    parent_step   integer not null,
    name          text not null check (length(name) between 1 and 255),
    depth         smallint not null check (depth between 1 and 32),
    on_parent_end text not null check (on_parent_end in ('cancel', 'leave')),
    open          boolean not null default true,
    unique (parent_id, parent_step, name)
);

create index child_to_end on tasker.child (parent_id, child_id) where open and on_parent_end = 'cancel';

-- What steps ask people, and what was answered. One is open as long as its step waits for it (tasker.wait of the name `ask:` and
-- this one's); it has expired or was closed with its step if neither that nor an answer is there. `who` are the people or roles that
-- may answer; nobody named: anybody. The index serves the list of what is open.

create table tasker.approval (
    task_id     uuid not null,
    step_no     integer not null,
    name        text not null check (length(name) between 1 and 255),
    title       text not null check (length(title) between 1 and 1000),
    data        jsonb not null,
    form        jsonb,
    who         text[] not null,
    asked_at    timestamptz not null default now(),
    expires_at  timestamptz,
    approved    boolean,
    answer      jsonb,
    answered_by text,
    reason      text,
    answered_at timestamptz,
    primary key (task_id, step_no, name)
);

create index approval_unanswered on tasker.approval (asked_at, task_id) where answered_at is null;

-- What operators did, to what, and why.

create table tasker.action (
    action_id bigint generated always as identity primary key,
    task_id   uuid not null,
    step_no   integer,
    verb      text not null,
    reason    text not null,
    actor     text not null,
    at        timestamptz not null default now()
);

create index action_task on tasker.action (task_id);

-- What operators did to queues, and why. It names the queue, and so outlives it.

create table tasker.queue_action (
    action_id bigint generated always as identity primary key,
    queue     text not null,
    verb      text not null,
    reason    text not null,
    actor     text not null,
    at        timestamptz not null default now()
);

create index queue_action_queue on tasker.queue_action (queue, action_id);

-- What operators did to templates, and why.

create table tasker.template_action (
    action_id   bigint generated always as identity primary key,
    template_id integer not null references tasker.template on delete cascade,
    verb        text not null,
    reason      text not null,
    actor       text not null,
    at          timestamptz not null default now()
);

create index template_action_template on tasker.template_action (template_id, action_id);

-- What submits tasks by the clock. `definition` is what was given, with defaults filled in (check_schedule has its keys).
-- Every fire up to `decided_until` has been decided. `next_fire_at` is the nominal time of the first that was not, when it
-- is known; `wake_at` is when the scheduler has something to do, null when never. `revision` counts changes of any kind: who
-- decides fires says which one he has read, so that each is decided once, however many orchestrators run. `fault`: why its
-- times cannot be found.

create table tasker.schedule (
    schedule_id   integer generated always as identity primary key,
    namespace_id  integer not null references tasker.namespace,
    name          text not null check (length(name) between 1 and 128),
    definition    jsonb not null,
    revision      bigint not null default 1,
    decided_until timestamptz not null default now(),
    next_fire_at  timestamptz,
    wake_at       timestamptz default now(),
    paused        boolean not null default false,
    note          text,
    fault         text,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),
    unique (namespace_id, name)
);

create index schedule_due on tasker.schedule (wake_at) where wake_at is not null;

-- A range of time whose fires an operator wants again, or after all. The scheduler walks it as it walks the present:
-- `decided_until` is how far it has come. The row goes at the end.

create table tasker.backfill (
    backfill_id   bigint generated always as identity primary key,
    schedule_id   integer not null references tasker.schedule on delete cascade,
    start_at      timestamptz not null,
    end_at        timestamptz not null,
    decided_until timestamptz not null,
    overlap       text not null,
    created_at    timestamptz not null default now()
);

create index backfill_schedule on tasker.backfill (schedule_id);

-- The fires of schedules, and what became of each. `fire_at` is the nominal time. A schedule decides each of its times once
-- (the unique index); triggers and backfills come on top. A buffered fire starts when nothing of the schedule runs any more,
-- and not before `not_before`. `live`: its task was open when last looked at.

create table tasker.fire (
    fire_id     bigint generated always as identity,
    schedule_id integer not null references tasker.schedule on delete cascade,
    fire_at     timestamptz not null,
    origin      text not null check (origin in ('schedule', 'trigger', 'backfill')),
    state       text not null check (state in ('buffered', 'started', 'skipped', 'missed', 'refused')),
    live        boolean not null default false,
    task_id     uuid,
    note        text,
    not_before  timestamptz,
    decided_at  timestamptz not null default now(),
    started_at  timestamptz,
    primary key (schedule_id, fire_id),
    check ((state = 'started') = (task_id is not null))
);

create unique index fire_once on tasker.fire (schedule_id, fire_at) where origin = 'schedule';
create index fire_live on tasker.fire (schedule_id) where live;
create index fire_buffered on tasker.fire (schedule_id, fire_id) where state = 'buffered';

-- What was done to a schedule, by whom, and why. It names the schedule, and so outlives it.

create table tasker.schedule_action (
    action_id bigint generated always as identity primary key,
    namespace text not null,
    schedule  text not null,
    verb      text not null,
    reason    text not null,
    actor     text not null,
    at        timestamptz not null default now()
);

create index schedule_action_schedule on tasker.schedule_action (namespace, schedule, action_id);

-- What was done to limits, by whom, and why. It names the limit, and so outlives it.

create table tasker.limit_action (
    action_id bigint generated always as identity primary key,
    name      text not null,
    verb      text not null,
    reason    text not null,
    actor     text not null,
    at        timestamptz not null default now()
);

create index limit_action_name on tasker.limit_action (name, action_id);

-- Events that steps have emitted, once for each key: while a row is here, its key brings no second event. What is to be
-- read of it travels in a message of the pgmq queue `event_<queue>`. `place` is the step, and where in it, that emitted it.

create table tasker.emitted_event (
    event_id   uuid primary key,
    namespace  text not null,
    name       text not null check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    key        text not null check (length(key) > 0 and octet_length(key) <= 1000),
    queue      text not null,
    payload    jsonb not null,
    task_id    uuid,
    place      text,
    emitted_at timestamptz not null default now(),
    unique (namespace, name, key)
);

create index emitted_event_by_name on tasker.emitted_event (name, event_id);
