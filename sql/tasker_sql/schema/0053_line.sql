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
