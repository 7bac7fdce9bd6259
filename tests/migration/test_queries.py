"""Every query that the packages send is one that the server would take. Only those that run are tested by running."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.pq import ExecStatus

import tasker
import tasker_orchestration
import tasker_sql
from tasker.examples.imports import TABLE

FOLDERS = [
    Path(package.__file__ or "").parent for package in (tasker, tasker_orchestration, tasker_sql)
]
CALLERS = {"call_one", "call_all"}
STATEMENT = re.compile(r"\s*(select|with|insert into|update|delete from)\s")
PLACEHOLDER = re.compile(r"%(?:(%)|s|\((\w+)\)s)")


@dataclass(frozen=True)
class Query:
    where: str
    text: str


def modules() -> Iterator[tuple[str, ast.Module]]:
    for folder in FOLDERS:
        for path in sorted(folder.rglob("*.py")):
            yield str(path.relative_to(folder.parent)), ast.parse(path.read_text())


def queries() -> Iterator[Query]:
    """All strings that are statements, and the files of queries."""
    for name, module in modules():
        for node in ast.walk(module):
            if isinstance(node, ast.JoinedStr):
                text = "".join(p.value for p in node.values if isinstance(p, ast.Constant))
                assert not (STATEMENT.match(text) and "tasker." in text), f"{name}: {text}"
            # One with braces is put together by psycopg.sql: see the calls by name below.
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and STATEMENT.match(node.value)
                and "{}" not in node.value
            ):
                yield Query(f"{name}:{node.lineno}", node.value)
    for folder in ("cli", "bench"):
        for path in sorted((FOLDERS[0] / folder).rglob("*.sql")):
            if path.name != "statements.sql":  # needs an extension
                yield Query(path.name, path.read_text())


def numbered(text: str) -> bytes:
    """A query with the server's placeholders in place of psycopg's."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1]:
            return "%"
        name = match[2] or f"positional {len(names)}"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return PLACEHOLDER.sub(number, text).encode()


def refusals(connection: psycopg.Connection, found: list[Query]) -> list[str]:
    """What the server says to those that it would not run."""
    said: list[str] = []
    for query in found:
        result = connection.pgconn.prepare(b"", numbered(query.text))
        if result.status != ExecStatus.COMMAND_OK:
            said.append(f"{query.where}: {result.error_message.decode(errors='replace')}")
    return said


def test_every_query_fits_the_schema(any_database: str) -> None:
    found = list(queries())
    with psycopg.connect(any_database, autocommit=True) as connection:
        connection.execute("select pgmq.create('tasker_bench_raw')")
        connection.execute(TABLE)
        for path in sorted((FOLDERS[0] / "testing" / "sql").glob("*.sql")):
            connection.execute(path.read_bytes())
        assert refusals(connection, found) == []
    assert len(found) > 30
    sources = {query.where.split(":")[0] for query in found}
    assert sources >= {
        "tasker/client.py", "tasker/worker.py", "tasker/heartbeat.py", "tasker/handle.py", "doctor.sql",
        "tasker_orchestration/pruner.py", "tasker_sql/migrate.py",
    }  # fmt: skip


def test_a_query_that_does_not_fit_is_found(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        wrong = [
            Query("arity", "select tasker.get_task(%s, %s)"),
            Query("name", "select tasker.get_tusk(%s)"),
        ]
        said = refusals(connection, wrong)
    assert [line.split(":")[0] for line in said] == ["arity", "name"]


def named_calls() -> Iterator[tuple[str, str, set[str], bool]]:
    """Calls of a function by its name: where, which, the arguments' names, and whether there are others besides."""
    for name, module in modules():
        for node in ast.walk(module):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in CALLERS
                and isinstance(node.args[1], ast.Constant)
            ):
                given = {keyword.arg for keyword in node.keywords if keyword.arg is not None}
                more = any(keyword.arg is None for keyword in node.keywords)
                yield f"{name}:{node.lineno}", str(node.args[1].value), given, more


def test_every_call_by_name_fits_a_function(database: str) -> None:
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            """
            select proname, coalesce(proargnames, '{}'), coalesce(proargmodes::text[], '{}'), pronargs, pronargdefaults
            from pg_proc where pronamespace = 'tasker'::regnamespace
            """
        ).fetchall()
    functions = {
        name: (
            [n for n, m in zip(names, modes or ["i"] * len(names), strict=True) if m in "iv"],
            n,
            d,
        )
        for name, names, modes, n, d in rows
    }
    assert len(functions) == len(rows), "no function is overloaded"
    calls = list(named_calls())
    assert len(calls) > 20
    for where, verb, given, more in calls:
        if verb not in functions:
            pytest.fail(f"{where}: there is no function {verb}")
        names, count, defaults = functions[verb]
        required = set(names[: count - defaults])
        assert given <= set(names), where
        assert more or required <= given, where
