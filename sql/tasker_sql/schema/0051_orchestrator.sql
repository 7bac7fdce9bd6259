-- Orchestrators, as they last reported. They hold no state and any number may run; this is for people to see.

create unlogged table tasker.orchestrator (
    orchestrator_id uuid primary key,
    name            text not null,
    registered_at   timestamptz not null default now(),
    seen_at         timestamptz not null default now()
) with (fillfactor = 50);
