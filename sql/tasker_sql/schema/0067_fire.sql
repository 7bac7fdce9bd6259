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
