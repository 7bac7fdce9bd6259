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
