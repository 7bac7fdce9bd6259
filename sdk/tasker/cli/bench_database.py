"""Where `tasker bench` measures: a new database, dropped after, or the one named. Touches databases and signals."""

import signal
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import tell
from tasker.cli.target import find_database

if TYPE_CHECKING:
    from tasker_sql.connection import Database

NEW = "measuring in a new database on this server, dropped afterwards (--here: in the database itself)"
HERE = (
    "measuring in the database itself (--here). What is measured stays there: tasks and templates of the"
    " namespace tasker_bench, and its queue"
)

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def open_database(url: str | None, *, here: bool) -> Generator["Database"]:
    """Give a new database on the server that is meant, or with `here` the one that is meant; it is up to date.

    The new one is dropped in the end, also when the command is interrupted (then it ends with the code for that).
    Raises CommandFailed when it cannot be created.
    """
    meant = find_database(url)
    try:
        with _interruptible():
            if here:
                tell(HERE)
                for change in _install(meant):
                    tell(f"database: {change}")
                yield meant
            else:
                tell(NEW)
                with _new_database(meant) as database:
                    yield database
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.INTERRUPTED) from None


@contextmanager
def _new_database(server: "Database") -> Generator["Database"]:
    from tasker.bench.databases import fresh_database

    with fresh_database(server.conninfo, "cli") as database:
        try:
            _install_new(database)
            yield database
        finally:
            for each in _SIGNALS:  # a second one does not keep it from being dropped
                signal.signal(each, signal.SIG_IGN)


def _install_new(database: "Database") -> None:
    """Install the engine in the new database. Raises CommandFailed where that cannot be reached, as behind a pooler."""
    from psycopg import OperationalError

    from tasker.bench.databases import USE_HERE

    try:
        _install(database)
    except OperationalError as error:
        raise CommandFailed(
            ExitCode.UNAVAILABLE, f"a new database cannot be reached here: {error}", USE_HERE
        ) from error


def _install(database: "Database") -> Sequence[str]:
    """Bring a database up to date; give what was done."""
    from tasker_sql.migrate import migrate

    with database.connect() as connection:
        return migrate(connection).describe()


@contextmanager
def _interruptible() -> Generator[None]:
    """Let whatever asks this process to end interrupt it, so that it clears up."""

    def interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = {each: signal.signal(each, interrupt) for each in _SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
