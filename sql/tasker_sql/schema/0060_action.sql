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
