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
