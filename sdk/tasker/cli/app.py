"""The command line: every command and group, in the order and the panels of `tasker --help`."""

from typing import Annotated

import typer

from tasker.cli import queues, steps, tasks
from tasker.cli.exit_codes import EPILOG
from tasker.cli.program import Program

START = "Start here"
DEPLOY = "Deploy"
USE = "See and change"

app = typer.Typer(
    cls=Program,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=EPILOG,
)


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
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    """Durable workflows that live in PostgreSQL.

    Try it: [bold]tasker dev[/bold] starts a database, an orchestrator and a worker with an example.
    """


app.add_typer(tasks.app, name="task", rich_help_panel=USE)
app.add_typer(steps.app, name="step", rich_help_panel=USE)
app.add_typer(queues.queue_app, name="queue", rich_help_panel=USE)
app.add_typer(queues.dlq_app, name="dlq", rich_help_panel=USE)
