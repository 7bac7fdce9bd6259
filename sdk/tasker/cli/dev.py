"""`tasker dev`: everything on this machine, started together and stopped together."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from tasker.cli.arguments import CompositionFiles, ResourcesFile, Url
from tasker.cli.database import call_one
from tasker.cli.exit_codes import ExitCode
from tasker.cli.logs import LogLevel
from tasker.cli.output import make_console, write_lines
from tasker.cli.supervise import Program, run_programs, stop_on_signals, tasker_command
from tasker.cli.target import find_database
from tasker.cli.watch import follow, look_at, make_line_display
from tasker.cli.worker import Commands, Log, Queues, Slots, Templates
from tasker.cli.worker_options import WorkerOptions

if TYPE_CHECKING:
    from tasker_sql.connection import Database

EXAMPLE = "tasker.cli.example"


def dev(
    modules: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODULE",
            help="Modules, by name (shop.orders) or file (orders.py); files in Ruby (charge.rb), TypeScript (ship.ts).",
        ),
    ] = None,
    templates: Templates = None,
    commands: Commands = None,
    resources: ResourcesFile = None,
    compositions: CompositionFiles = None,
    queues: Queues = None,
    slots: Slots = 100,
    log_level: Log = LogLevel.warning,
    url: Url = None,
) -> None:
    """Start a database, an orchestrator and a worker, and follow your changes.

    Without a module it runs an example, and one task of it.
    The worker starts again when a source file beside the modules changes. Ctrl-C stops all.
    """
    options = WorkerOptions(
        modules or ([] if commands or templates else [EXAMPLE]),
        templates or (),
        slots=slots,
        queues=queues or (),
        grace="5s",
        log_level=log_level,
        commands=commands or (),
        resources=resources,
        compositions=compositions or (),
    )
    folders = options.find_folders()
    database = _prepare_database(url)
    at = {"TASKER_DATABASE_URL": database.conninfo}
    command = tasker_command("orchestrator", f"--log-level={log_level}")
    programs = [
        Program("orchestrator", command, environment=at),
        Program("worker", tasker_command(*options.to_arguments()), folders, at),
    ]
    runs = [*options.modules, *options.commands, *map(str, options.templates)]
    _tell_what_is_where(database, runs, [str(folder) for folder in folders])
    with stop_on_signals() as stop:
        if not (modules or commands or templates):
            threading.Thread(target=_run_example, args=(database, stop), daemon=True).start()
        status = run_programs(programs, stop, _say)
    if status != ExitCode.OK:
        raise typer.Exit(status)


def hide_password(conninfo: str) -> str:
    """Write where a database is without what opens it."""
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    parts = conninfo_to_dict(conninfo)
    parts.pop("password", None)
    return make_conninfo("", **parts)


def _say(line: str) -> None:
    write_lines([line])


def _prepare_database(url: str | None) -> "Database":
    from tasker_sql.migrate import migrate

    database = find_database(url)
    with database.connect() as connection:
        for change in migrate(connection).describe():
            _say(f"database: {change}")
    return database


def _tell_what_is_where(database: "Database", runs: Sequence[str], folders: Sequence[str]) -> None:
    from tasker.cli.tables import make_facts
    from tasker.embedded import describe_embedded
    from tasker.settings import read_settings

    where = describe_embedded(read_settings().home) if database.embedded else "the one named"
    facts = [
        ("database", where),
        ("url", hide_password(database.conninfo)),
        ("orchestrator", "one, in a process of its own"),
        (
            "worker",
            f"{', '.join(runs)}; starts again when a file in {', '.join(folders)} changes",
        ),
        (
            "look",
            "tasker task list · tasker task show ID · tasker template list · tasker queue list",
        ),
        ("submit", "tasker task submit NAMESPACE/NAME '{…}' --wait"),
        ("stop", "Ctrl-C"),
    ]
    make_console().print(make_facts(facts))
    if not database.embedded:
        _say("Other terminals find this database by TASKER_DATABASE_URL or --url.")


def _run_example(database: "Database", stop: threading.Event) -> None:
    """Submit a task of the example and follow it, until it ends or everything is stopped."""
    import psycopg

    from tasker.cli.example import orders
    from tasker.cli.templates import register_templates

    register_templates([orders.template], database.conninfo)
    with suppress(psycopg.Error), database.connect() as connection:
        task_id = call_one(connection, "submit_task", namespace="example", template="order")
        _say(f"example: task {task_id} of example/order, whose first charge fails to show a retry:")
        display = make_line_display()
        follow(lambda: look_at(connection, task_id), display, interval=0.2, timeout=None)
        if not stop.is_set():
            _say(f"example: look at it: tasker task show {task_id}")
            _say("example: run another: tasker task submit example/order --wait")
