"""`tasker doctor`: looks at everything that has to be right, and says what to do."""

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from tasker.cli import checks
from tasker.cli.arguments import Output, Url
from tasker.cli.checks import Finding, Level
from tasker.cli.database import call_all, open_database, run_file
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import explain
from tasker.cli.output import Format, show

if TYPE_CHECKING:
    from psycopg import Connection
    from rich.console import RenderableType

# A transaction that has done nothing for so long was forgotten.
LEFT_OPEN = "1 minute"

STYLES = {Level.ok: "green", Level.warn: "yellow", Level.fail: "red"}


def doctor(output: Output = Format.table, url: Url = None) -> None:
    """Check that everything is right, and say what to do about what is not.

    Looks at Python, the database and its settings, the schema, queues, workers and orchestrators.
    The exit code is 5 when the database cannot be reached, and 1 when anything else fails.
    """
    found = [checks.check_python(sys.version_info[:3])]
    code = ExitCode.OK
    try:
        with open_database(url) as connection:
            found += _examine(connection)
    except Exception as error:
        failure = explain(error)
        if failure is None:
            raise
        found.append(Finding(Level.fail, "database", failure.what, failure.todo))
        code = failure.code
    rows = [
        {"level": f.level, "subject": f.subject, "found": f.found, "todo": f.todo} for f in found
    ]
    bad = [f.subject for f in found if f.level is not Level.ok]
    show(rows, output, lambda: bad, lambda: draw_findings(found))
    if code is ExitCode.OK and any(f.level is Level.fail for f in found):
        code = ExitCode.FAILURE
    if code is not ExitCode.OK:
        raise typer.Exit(code)


def draw_findings(findings: Sequence[Finding]) -> "RenderableType":
    """Draw a line for each finding, and below it what to do."""
    from rich.text import Text

    from tasker.cli.tables import make_grid

    grid = make_grid(columns=3)
    for finding in findings:
        grid.add_row(
            Text(finding.level, style=STYLES[finding.level]), finding.subject, finding.found
        )
        if finding.todo:
            grid.add_row("", "", Text(f"→ {finding.todo}", style="bold"))
    return grid


def _examine(connection: "Connection") -> Iterator[Finding]:
    before = datetime.now(UTC)
    facts: dict[str, Any] = run_file(connection, "doctor", open_for=LEFT_OPEN)[0]
    middle = before + (datetime.now(UTC) - before) / 2
    yield Finding(Level.ok, "database", f"{facts['database']} as {facts['user']}")
    yield from checks.check_server(facts, middle)
    yield checks.check_pooler(connection.info.backend_pid, facts["backend_pid"])
    yield checks.check_pgmq(facts)
    yield checks.check_vacuum(facts)
    yield checks.check_roles(facts)
    yield from _examine_schema(connection, facts)


def _examine_schema(connection: "Connection", facts: dict[str, Any]) -> Iterator[Finding]:
    schema = checks.check_schema(facts["schema"], _plan(connection))
    yield schema
    if schema.level is Level.fail:
        return
    now = datetime.now(UTC)
    yield from checks.check_queues(call_all(connection, "queue_stats"))
    yield from checks.check_templates(call_all(connection, "list_templates"))
    workers = call_all(connection, "list_workers")
    yield checks.check_alive("workers", workers, now, "tasker worker MODULE")
    orchestrators = call_all(connection, "list_orchestrators")
    yield checks.check_alive("orchestrator", orchestrators, now, "tasker orchestrator")


def _plan(connection: "Connection") -> Sequence[str] | str:
    """What migrating would change, or why that cannot be said."""
    from psycopg.errors import InsufficientPrivilege

    from tasker_sql.migrate import MigrationError, plan

    try:
        return plan(connection).describe()
    except (MigrationError, InsufficientPrivilege) as error:
        return str(error)
