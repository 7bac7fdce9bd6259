-- The clock of a test's database: how far it was moved. Installed in test databases only. The functions below have the
-- names of PostgreSQL's own; the engine's functions find them first once 0020_install.sql has put this schema before
-- pg_catalog in their paths. The key serves plans for which sequential scans are switched off.

create schema tasker_testing;
grant usage on schema tasker_testing to public;

create table tasker_testing.clock (
    here  boolean primary key default true check (here),
    moved interval not null default '0'
);

insert into tasker_testing.clock default values;

create function tasker_testing.now() returns timestamptz
language sql stable security definer
set search_path = pg_catalog, pg_temp
as 'select pg_catalog.now() + c.moved from tasker_testing.clock c where c.here';

create function tasker_testing.transaction_timestamp() returns timestamptz
language sql stable security definer
set search_path = pg_catalog, pg_temp
as 'select pg_catalog.now() + c.moved from tasker_testing.clock c where c.here';

create function tasker_testing.statement_timestamp() returns timestamptz
language sql stable security definer
set search_path = pg_catalog, pg_temp
as 'select pg_catalog.statement_timestamp() + c.moved from tasker_testing.clock c where c.here';

create function tasker_testing.clock_timestamp() returns timestamptz
language sql volatile security definer
set search_path = pg_catalog, pg_temp
as 'select pg_catalog.clock_timestamp() + c.moved from tasker_testing.clock c where c.here';
