"""What the catalogs say about Tasker's schema, in a form that can be compared. Reads the database."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg

__all__ = ["describe"]

# Each yields lines that name an object and say everything about it that somebody wrote. Acls are sorted: grants may
# have come in any order. The migrator's own two tables are not part of the schema.
_QUERIES: dict[str, LiteralString] = {
    "schema": """
        select concat_ws(' | ', nspname, nspowner::regrole,
            (select array_agg(a::text order by a::text) from unnest(nspacl) a), obj_description(oid, 'pg_namespace'))
        from pg_namespace where nspname = 'tasker'""",
    "relations": """
        select concat_ws(' | ', relname, relkind, relpersistence, relowner::regrole, reloptions, relreplident,
            relrowsecurity, (select array_agg(a::text order by a::text) from unnest(relacl) a),
            obj_description(oid, 'pg_class'), case when relkind = 'v' then pg_get_viewdef(oid) end)
        from ours where relkind in ('r', 'v', 'm', 'p')""",
    "columns": """
        select concat_ws(' | ', c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
            a.attidentity, a.attgenerated, a.attstorage, a.attcompression, a.attacl, pg_get_expr(d.adbin, d.adrelid),
            col_description(c.oid, a.attnum))
        from ours c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where c.relkind in ('r', 'v', 'm', 'p')""",
    "constraints": """
        select concat_ws(' | ', c.relname, k.conname, k.convalidated, pg_get_constraintdef(k.oid),
            obj_description(k.oid, 'pg_constraint'))
        from pg_constraint k join ours c on c.oid = k.conrelid""",
    "indexes": """
        select concat_ws(' | ', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered, x.reloptions)
        from pg_index i join ours c on c.oid = i.indrelid join pg_class x on x.oid = i.indexrelid""",
    "triggers": """
        select concat_ws(' | ', c.relname, pg_get_triggerdef(t.oid), t.tgenabled)
        from pg_trigger t join ours c on c.oid = t.tgrelid where not t.tgisinternal""",
    "statistics": "select pg_get_statisticsobjdef(s.oid) from pg_statistic_ext s join ours c on c.oid = s.stxrelid",
    "sequences": """
        select concat_ws(' | ', c.relname, s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmin, s.seqmax,
            s.seqcycle)
        from pg_sequence s join ours c on c.oid = s.seqrelid""",
    "types": """
        select concat_ws(' | ', t.typname, t.typtype, t.typowner::regrole, t.typacl, obj_description(t.oid, 'pg_type'),
            (select array_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid))
        from pg_type t where t.typnamespace = 'tasker'::regnamespace and t.typtype in ('e', 'd', 'r')""",
    "functions": """
        select concat_ws(' | ', pg_get_functiondef(p.oid), p.proowner::regrole,
            (select array_agg(a::text order by a::text) from unnest(p.proacl) a), obj_description(p.oid, 'pg_proc'))
        from pg_proc p where p.pronamespace = 'tasker'::regnamespace""",
}


def describe(connection: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """Everything in the schema tasker: for each kind of object, sorted lines."""
    found: dict[str, list[str]] = {}
    for kind, query in _QUERIES.items():
        rows = connection.execute(
            """with ours as (
                select * from pg_class where relnamespace = 'tasker'::regnamespace
                and relname not in ('migration', 'installed'))
            """
            + query
        ).fetchall()
        found[kind] = sorted(row[0] for row in rows)
    return found
