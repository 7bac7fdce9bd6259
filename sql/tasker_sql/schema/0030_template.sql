-- A template is immutable once registered: a task keeps the one it began with. `definition` is what was registered;
-- `fingerprint` is the SHA-256 of its canonical text. `on_failure` is what becomes of a task that a failure has stopped.
-- `max_steps` and `max_depth` bound how many dynamic steps one task has, and how long a chain of them is.
-- `input_schema` is a part of the definition that workers ask for; the whole may be megabytes.
-- `paused`: new tasks of it are paused from their beginning.

create table tasker.template (
    template_id  integer generated always as identity primary key,
    namespace_id integer not null references tasker.namespace,
    name         text not null check (length(name) between 1 and 255),
    version      text not null check (length(version) between 1 and 50),
    fingerprint  text not null,
    definition   jsonb not null,
    input_schema jsonb,
    time_limit   interval,
    on_failure   text not null check (on_failure in ('wait', 'compensate')),
    max_steps    integer not null check (max_steps between 1 and 100000),
    max_depth    integer not null check (max_depth between 1 and 100000),
    paused       boolean not null default false,
    created_at   timestamptz not null default now(),
    unique (namespace_id, name, version)
);
