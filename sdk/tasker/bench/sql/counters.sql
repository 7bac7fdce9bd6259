-- What the server has used so far: bytes of WAL, and this database's commits (whole once its sessions have ended).
select pg_current_wal_insert_lsn() - '0/0'::pg_lsn, d.xact_commit,
    'pg_stat_statements' = any(string_to_array(current_setting('shared_preload_libraries'), ','))
from pg_stat_database d where d.datname = current_database()
