"""`tasker event …`: tell tasks what they wait for, and see what their steps emit."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from tasker.cli.arguments import Output, Url, read_json
from tasker.cli.database import call_all, call_one, open_database
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, show
from tasker.cli.task_lookup import find_task

if TYPE_CHECKING:
    from psycopg import Connection

_MOST_WAITS = 5
_LONGEST_PAYLOAD = 200  # characters

app = typer.Typer(
    no_args_is_help=True, help="Tell tasks what they wait for; see and read what steps emit."
)


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
        hints = _list_waits(connection, sent) if output is Format.table else []
    answer = sent if correlation else sent[0]
    show(
        answer,
        output,
        lambda: [one["task_id"] for one in sent],
        lambda: "\n".join([_say(name, sent), *hints]),
    )


@app.command("list", epilog="Example: tasker event list order_paid --limit 20")
def list_events(
    name: Annotated[str | None, typer.Argument(help="Only events of this name.")] = None,
    most: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many at most.")] = 50,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """List the events that steps have emitted, the newest first. Nothing is read from a queue."""
    with open_database(url) as connection:
        events = call_all(connection, "list_events", name=name, max_rows=most)
    show(events, output, lambda: [one["event_id"] for one in events], lambda: _draw(events))


@app.command(
    epilog="Examples:\n\ntasker event read order_paid --limit 10 -o json"
    "\n\ntasker event read order_paid --keep     looks, and leaves them in the queue"
)
def read(
    queue: Annotated[
        str, typer.Argument(help="The queue; that of an event has its name by default.")
    ],
    most: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many at most.")] = 1,
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Leave them in the queue; they are given again in a second."),
    ] = False,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Read events from a queue, the oldest first, and take them out of it.

    A queue is there from the first event on; before that, the exit code is 3.
    """
    with open_database(url) as connection:
        lease = "1 second" if keep else "30 seconds"
        events = call_all(connection, "read_events", queue=queue, max_rows=most, lease=lease)
        if not events:
            _check_queue(connection, queue)
        show(events, output, lambda: [one["event_id"] for one in events], lambda: _draw(events))
        if not keep:
            receipts = [one["receipt"] for one in events]
            call_one(connection, "finish_events", queue=queue, receipts=receipts)


def _check_queue(connection: "Connection", queue: str) -> None:
    """Raise CommandFailed (not found) where no event was ever emitted into the queue."""
    from tasker.names import list_nearest

    known = [row["queue"] for row in call_all(connection, "list_event_queues")]
    if queue not in known:
        hint = f"There are: {list_nearest(queue, known)}."
        none = "There is none yet: one is made by the first event."
        raise CommandFailed(ExitCode.NOT_FOUND, f"no queue {queue}", hint if known else none)


def _draw(events: Sequence[Any]) -> Any:
    from tasker.cli.tables import make_table
    from tasker.cli.times import format_moment, parse_time

    now = datetime.now(UTC)
    table = make_table("event", "key", "payload", "task", "emitted")
    for one in events:
        payload = json.dumps(one["payload"], ensure_ascii=False)
        shown = payload if len(payload) <= _LONGEST_PAYLOAD else payload[:_LONGEST_PAYLOAD] + "…"
        task = (one["task_id"] or "")[:8]
        emitted = format_moment(parse_time(one["emitted_at"]), now)
        table.add_row(one["name"], one["key"], shown, task, emitted)
    return table if events else "there are no events"


def _read_uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no UUID, as correlation ids are") from None


def _list_waits(connection: "Connection", sent: Sequence[Any]) -> list[str]:
    """List what a task's steps wait for, where an event has woken none of them."""
    if len(sent) != 1 or sent[0]["woken"] or not sent[0]["accepted"]:
        return []
    from tasker.cli.times import localise

    now, task_id = datetime.now(UTC), sent[0]["task_id"]
    steps = call_all(connection, "list_steps", task_id=task_id)
    waiting = [step["name"] for step in steps if step["state"] == "waiting"][:_MOST_WAITS]
    found = [
        call_one(connection, "explain_step", task_id=task_id, step_name=step) for step in waiting
    ]
    return [f"{one['step']}: {localise(one['reason'], now)}" for one in found]


def _say(name: str, sent: Sequence[Any]) -> str:
    accepted = [one for one in sent if one["accepted"]]
    if not accepted:
        return f"{name} was sent before: the first one counts"
    to = "" if len(sent) == 1 else f" to {len(accepted)} of {len(sent)} tasks"
    woken = sum(one["woken"] for one in sent)
    if not woken:
        return f"sent {name}{to}: no step waits for it now; it is kept for one that will"
    return f"sent {name}{to}: {woken} step{'' if woken == 1 else 's'} waited for it"
