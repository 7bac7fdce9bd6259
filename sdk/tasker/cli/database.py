"""Asking the database: a connection for a command, a function of the SQL API for a call."""

from collections.abc import Generator
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any, LiteralString, cast

if TYPE_CHECKING:
    from psycopg import Connection


@contextmanager
def open_database(url: str | None) -> Generator["Connection"]:
    """Connect to the database that is meant (see the --url option), committing each statement."""
    from tasker.cli.target import find_database

    with find_database(url).connect() as connection:
        yield connection


def call_all(connection: "Connection", verb: str, /, **arguments: Any) -> list[Any]:
    """Call a function of the schema tasker by name with named arguments; give its rows.

    A row of one column, such as a JSON object, is given as that value, a wider one as a tuple.
    """
    from psycopg import sql

    named = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name))
        for name in arguments
    )
    query = sql.SQL("select * from tasker.{}({})").format(sql.Identifier(verb), named)
    rows = connection.execute(query, arguments).fetchall()
    return [row[0] if len(row) == 1 else row for row in rows]


def call_one(connection: "Connection", verb: str, /, **arguments: Any) -> Any:
    """Call a function of the schema tasker that gives one value; see call_all."""
    return call_all(connection, verb, **arguments)[0]


def run_file(connection: "Connection", name: str, **arguments: Any) -> list[Any]:
    """Run the query in `sql/<name>.sql` beside this module; give its rows, of one column each."""
    text = files("tasker.cli").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    return [row[0] for row in connection.execute(cast(LiteralString, text), arguments).fetchall()]
