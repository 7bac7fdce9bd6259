-- Ends all other connections of Tasker's to this database; how many.

create function tasker_testing.drop_connections() returns bigint
language sql volatile
as $$
    select count(*) from (
        select pg_terminate_backend(a.pid) from pg_stat_activity a
        where a.datname = current_database() and a.application_name = 'tasker' and a.pid <> pg_backend_pid()) as ended
$$;
