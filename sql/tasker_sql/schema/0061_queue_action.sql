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
