"""`tasker event …`: tell tasks what they wait for."""

from typing import Annotated, Any

import typer

from tasker.cli.arguments import Output, Url, read_json
from tasker.cli.database import call_one, open_database
from tasker.cli.output import Format, show
from tasker.cli.task_lookup import find_task

app = typer.Typer(no_args_is_help=True, help="Tell tasks what they wait for.")


@app.callback()
def events() -> None:
    """Tell tasks what they wait for."""


@app.command(epilog='Example: tasker event send 0199a4 arrived \'{"door": "back"}\'')
def send(
    task: Annotated[str, typer.Argument(metavar="TASK", help="A task's id, or its beginning.")],
    name: Annotated[str, typer.Argument(help="The event's name.")],
    payload: Annotated[
        str, typer.Argument(help="What it carries, as JSON; @FILE reads a file.")
    ] = "null",
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Send an event to a task: steps that wait for it go on, and one that waits later finds it.

    The first event of a name counts. As JSON: task_id, accepted, woken (how many steps).
    """
    from psycopg.types.json import Jsonb

    data = Jsonb(read_json(payload))
    with open_database(url) as connection:
        task_id = find_task(connection, task)
        answer = call_one(connection, "send_event", task_id=task_id, name=name, payload=data)

    def view() -> Any:
        if not answer["accepted"]:
            return f"{name} was sent before: the first one counts"
        return f"sent {name}: {answer['woken']} step(s) waited for it"

    show(answer, output, lambda: [answer["task_id"]], view)
