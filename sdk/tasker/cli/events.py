"""`tasker event …`: tell tasks what they wait for."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import typer

from tasker.cli.arguments import Output, Url, read_json
from tasker.cli.database import call_all, call_one, open_database
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
    correlation: Annotated[
        bool,
        typer.Option(
            "--correlation", help="TASK is a correlation id: send to each open task with it."
        ),
    ] = False,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Send an event to a task: steps that wait for it go on, and one that waits later finds it.

    The first event of a name counts. As JSON: task_id, accepted, woken (how many steps), for each task.
    """
    from psycopg.types.json import Jsonb

    data = Jsonb(read_json(payload))
    with open_database(url) as connection:
        if correlation:
            sent = call_all(
                connection, "send_event_to_all",
                correlation_id=_read_uuid(task), name=name, payload=data,
            )  # fmt: skip
        else:
            task_id = find_task(connection, task)
            sent = [call_one(connection, "send_event", task_id=task_id, name=name, payload=data)]
    answer = sent if correlation else sent[0]
    show(answer, output, lambda: [one["task_id"] for one in sent], lambda: _say(name, sent))


def _read_uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no UUID, as correlation ids are") from None


def _say(name: str, sent: Sequence[Any]) -> str:
    accepted = [one for one in sent if one["accepted"]]
    if not accepted:
        return f"{name} was sent before: the first one counts"
    to = "" if len(sent) == 1 else f" to {len(accepted)} of {len(sent)} tasks"
    return f"sent {name}{to}: {sum(one['woken'] for one in sent)} step(s) waited for it"
