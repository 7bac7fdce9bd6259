-- The customers' accounts, in the database that Tasker lives in.
create table accounts (
    customer text primary key,
    name text not null,
    email text not null,
    approved_by text,
    opened_at timestamptz not null default now()
);
