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
