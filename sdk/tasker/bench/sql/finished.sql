-- About how many tasks lie in the engine's table, from its statistics; 0 where there is no engine.
select coalesce(sum(greatest(reltuples, 0)), 0)::bigint from pg_class where oid = to_regclass('tasker.task')
