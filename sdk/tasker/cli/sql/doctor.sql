-- What `tasker doctor` wants to know of a server, whether or not Tasker is installed there. Reads catalogues only.
-- %(open_for)s is how long a transaction must have been left open to be mentioned.
select json_build_object(
    'version', current_setting('server_version'),
    'version_num', current_setting('server_version_num')::integer,
    'database', current_database(),
    'user', current_user,
    'in_recovery', pg_is_in_recovery(),
    'now', clock_timestamp(),
    'backend_pid', pg_backend_pid(),
    'fsync', current_setting('fsync'),
    'synchronous_commit', current_setting('synchronous_commit'),
    'autovacuum', current_setting('autovacuum'),
    'max_connections', current_setting('max_connections')::integer,
    'connections', (select count(*) from pg_stat_activity where backend_type = 'client backend'),
    'schema', to_regnamespace('tasker') is not null,
    'pgmq_extension', (select extversion from pg_extension where extname = 'pgmq'),
    'pgmq_functions', (
        select count(*) from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'pgmq'),
    'roles', (
        select coalesce(json_agg(json_build_object('role', r.rolname, 'member', pg_has_role(r.oid, 'usage'))
            order by r.rolname), '[]')
        from pg_roles r
        where r.rolname in ('tasker_client', 'tasker_worker', 'tasker_operator', 'tasker_reader')),
    'holding_vacuum', (
        select coalesce(json_agg(h order by h.seconds desc), '[]') from (
            select a.pid, a.usename as who, nullif(a.application_name, '') as application,
                extract(epoch from clock_timestamp() - a.xact_start) as seconds
            from pg_stat_activity a
            where a.state like 'idle in transaction%%' and a.datname = current_database()
                and a.xact_start < clock_timestamp() - %(open_for)s::interval
            union all
            select null, p.owner, 'prepared transaction ' || p.gid,
                extract(epoch from clock_timestamp() - p.prepared)
            from pg_prepared_xacts p
            where p.database = current_database() and p.prepared < clock_timestamp() - %(open_for)s::interval
            limit 20
        ) as h)
)
