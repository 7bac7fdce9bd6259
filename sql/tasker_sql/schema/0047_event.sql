-- Events that were sent to a task, by name. The first delivery wins, also when it came before anyone waited for it.

create table tasker.event (
    task_id uuid not null,
    name    text not null check (length(name) between 1 and 255),
    payload jsonb not null,
    sent_at timestamptz not null default now(),
    primary key (task_id, name)
);
