"""`tasker queue …`: what is waiting, who serves it, and how it is held."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from tasker.cli.arguments import Actor, Output, Reason, Url
from tasker.cli.database import call_all, call_one, open_database
from tasker.cli.output import Format, show

app = typer.Typer(
    no_args_is_help=True, help="See, pause and resume queues, and see who serves them."
)
QueueName = Annotated[str, typer.Argument(metavar="QUEUE", help="A queue's name.")]


@app.command("list")
def list_queues(output: Output = Format.table, url: Url = None) -> None:
    """List queues with their depth and age, and how many workers serve them."""
    with open_database(url) as connection:
        queues = call_all(connection, "queue_stats")

    def view() -> Any:
        from tasker.cli.queue_views import draw_queues

        return draw_queues(queues)

    show(queues, output, lambda: [queue["queue"] for queue in queues], view)


@app.command("pause")
def pause_queue(
    queue: QueueName, reason: Reason, actor: Actor, output: Output = Format.table, url: Url = None
) -> None:
    """Hold a queue until it is resumed: no worker is given a step of it.

    Handlers that are running go on, and what they come to is applied.
    """
    _change("pause_queue", "paused", queue, output, url, reason=reason, actor=actor)


@app.command("resume")
def resume_queue(
    queue: QueueName, reason: Reason, actor: Actor, output: Output = Format.table, url: Url = None
) -> None:
    """Let a paused queue go on."""
    _change("resume_queue", "resumed", queue, output, url, reason=reason, actor=actor)


@app.command("workers")
def list_workers(output: Output = Format.table, url: Url = None) -> None:
    """List the workers that report, with their queues, slots and handlers."""
    with open_database(url) as connection:
        workers = call_all(connection, "list_workers")

    def view() -> Any:
        from tasker.cli.queue_views import draw_workers

        return draw_workers(workers, datetime.now(UTC))

    show(workers, output, lambda: [worker["worker_id"] for worker in workers], view)


def _change(verb: str, done: str, queue: str, output: Format, url: str | None, **why: str) -> None:
    with open_database(url) as connection:
        answer = call_one(connection, verb, name=queue, **why)
    show(answer, output, lambda: [queue], lambda: f"{done} {queue}")
