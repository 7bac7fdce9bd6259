-- How many statements clients have sent to this database; needs pg_stat_statements.
select coalesce(sum(s.calls), 0)::bigint
from pg_stat_statements s join pg_database d on d.oid = s.dbid
where s.toplevel and d.datname = current_database()
