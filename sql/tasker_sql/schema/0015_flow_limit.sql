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
