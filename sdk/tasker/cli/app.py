"""The command line: every command and group, in the order and the panels of `tasker --help`."""

from typing import Annotated

import typer

from tasker.cli import (
    approvals,
    bench,
    bridge,
    compositions,
    db,
    dead_letters,
    events,
    expressions,
    fragments,
    generate,
    grammar,
    limits,
    queues,
    resources,
    schedules,
    steps,
    tasks,
    templates,
)
from tasker.cli.demo import demo
from tasker.cli.dev import dev
from tasker.cli.doctor import doctor
from tasker.cli.exit_codes import EPILOG
from tasker.cli.init import init
from tasker.cli.migrate import migrate
from tasker.cli.orchestrator import orchestrator
from tasker.cli.output import write_lines
from tasker.cli.program import Program
from tasker.cli.worker import worker

START = "Start here"
DEPLOY = "Deploy"
USE = "See and change"
COMPOSE = "Steps without a handler: docs/compositions.md"
MEASURE = "Measure and look inside"

app = typer.Typer(
    cls=Program,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EPILOG,
)


def _print_version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        write_lines([f"tasker {version('tasker-pg')}"])
        raise typer.Exit()


@app.callback()
def tasker(
    url: Annotated[
        str | None,
        typer.Option(
            "--url",
            help="The database. Default: TASKER_DATABASE_URL, else the embedded one.",
            show_default=False,
        ),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Durable workflows that live in PostgreSQL.

    Try it: [bold]tasker dev[/bold] starts a database, an orchestrator and a worker with an example.
    """


app.command(
    rich_help_panel=START,
    epilog="Examples:\n\ntasker dev\n\ntasker dev flows/orders.py --templates templates/",
)(dev)
app.command(rich_help_panel=START, epilog="Example: tasker init --lang ruby shop")(init)
app.add_typer(generate.app, name="generate", rich_help_panel=START)
app.command(rich_help_panel=START)(demo)
app.command(rich_help_panel=START, epilog="Example: tasker doctor --url postgresql://app@db/app")(
    doctor
)
app.add_typer(tasks.app, name="task", rich_help_panel=USE)
app.add_typer(steps.app, name="step", rich_help_panel=USE)
app.add_typer(events.app, name="event", rich_help_panel=USE)
app.add_typer(approvals.app, name="approval", rich_help_panel=USE)
app.add_typer(schedules.app, name="schedule", rich_help_panel=USE)
app.add_typer(templates.app, name="template", rich_help_panel=USE)
app.add_typer(resources.app, name="resources", rich_help_panel=COMPOSE)
app.add_typer(compositions.app, name="composition", rich_help_panel=COMPOSE)
app.add_typer(fragments.app, name="fragment", rich_help_panel=COMPOSE)
app.add_typer(grammar.app, name="grammar", rich_help_panel=COMPOSE)
app.add_typer(expressions.app, name="expression", rich_help_panel=COMPOSE)
app.add_typer(queues.app, name="queue", rich_help_panel=USE)
app.add_typer(limits.app, name="limit", rich_help_panel=USE)
app.add_typer(dead_letters.app, name="dlq", rich_help_panel=USE)
app.command(
    rich_help_panel=DEPLOY, epilog="Example: tasker migrate --plan --url postgresql://owner@db/app"
)(migrate)
app.command(rich_help_panel=DEPLOY)(orchestrator)
app.command(
    rich_help_panel=DEPLOY,
    epilog="Examples:\n\ntasker worker shop.orders --slots 50"
    "\n\ntasker worker handlers.py --templates templates/ --queue shop",
)(worker)
app.add_typer(db.app, name="db", rich_help_panel=MEASURE)
app.add_typer(bench.app, name="bench", rich_help_panel=MEASURE)
app.add_typer(bridge.app, name="bridge", rich_help_panel=MEASURE)
