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
