"""`tasker schedule …`: tasks by the clock."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from tasker.cli.arguments import Actor, Output, Reason, Url
from tasker.cli.database import call_all, call_one, open_database
from tasker.cli.output import Format, show
from tasker.cli.schedule_definitions import create, preview, update
from tasker.cli.schedule_options import (
    Overlap,
    OverlapPolicy,
    ScheduleName,
    list_fires,
    parse_moment,
    split_name,
)

app = typer.Typer(no_args_is_help=True, help="Start tasks by the clock.")
app.command(
    epilog="""Examples:

tasker schedule create nightly shop/report --cron '0 3 * * *' --time-zone Europe/Berlin

tasker schedule create sync shop/sync --every 10m --overlap buffer_one --jitter 30s"""
)(create)


@app.command("list")
def list_(
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="Only this namespace.")
    ] = None,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """List schedules by name."""
    with open_database(url) as connection:
        found = call_all(connection, "list_schedules", namespace=namespace)

    def view() -> Any:
        from tasker.cli.schedule_views import draw_schedules

        return draw_schedules([(each, _next(each, 1)) for each in found], datetime.now(UTC))

    show(found, output, lambda: [_name(each) for each in found], view)


@app.command("show")
def show_(
    schedule: ScheduleName,
    fires: Annotated[
        int, typer.Option("--fires", min=0, max=10000, help="How many of its last fires.")
    ] = 10,
    upcoming: Annotated[
        int, typer.Option("--next", min=0, max=1000, help="How many of its next times.")
    ] = 5,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Show a schedule, what became of its last fires, and its next times.

    As JSON: the schedule with `fires` and `next_fires`. As ids: the tasks that the fires started.
    """
    namespace, name = split_name(schedule)
    with open_database(url) as connection:
        found = call_one(connection, "get_schedule", namespace=namespace, name=name)
        last = call_all(connection, "list_fires", namespace=namespace, name=name, max_rows=fires)
    times = _next(found, upcoming)

    def view() -> Any:
        from tasker.cli.schedule_views import draw_schedule

        return draw_schedule(found, last, times, datetime.now(UTC))

    document = {**found, "fires": last, "next_fires": [at.isoformat() for at in times]}
    show(document, output, lambda: [fire["task_id"] for fire in last if fire["task_id"]], view)


@app.command()
def pause(
    schedule: ScheduleName,
    reason: Reason,
    actor: Actor,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Let a schedule start nothing by itself until it is resumed."""
    _change("pause_schedule", "paused", schedule, output, url, reason=reason, actor=actor)


@app.command()
def resume(
    schedule: ScheduleName,
    reason: Reason,
    actor: Actor,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Let a paused schedule go on from now; its times during the pause are left out."""
    _change("resume_schedule", "resumed", schedule, output, url, reason=reason, actor=actor)


@app.command()
def trigger(
    schedule: ScheduleName,
    reason: Reason,
    actor: Actor,
    overlap: OverlapPolicy = None,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Fire a schedule now, beside its times, also while it is paused.

    Without --overlap by the schedule's own policy. As JSON: the fire. As ids: the task, if one started.
    """
    namespace, name = split_name(schedule)
    with open_database(url) as connection:
        fire = call_one(
            connection,
            "trigger_schedule",
            namespace=namespace,
            name=name,
            reason=reason,
            actor=actor,
            overlap=overlap.value if overlap else None,
        )

    def view() -> Any:
        from tasker.cli.schedule_views import describe_fire

        return describe_fire(fire)

    show(fire, output, lambda: [fire["task_id"]] if fire["task_id"] else [], view)


@app.command(
    epilog="Example: tasker schedule backfill shop/nightly --from 2030-01-01 --to 2030-01-31 -r lost"
)
def backfill(
    schedule: ScheduleName,
    start: Annotated[str, typer.Option("--from", help="The range's beginning, included.")],
    end: Annotated[str, typer.Option("--to", help="Its end, included; not in the future.")],
    reason: Reason,
    actor: Actor,
    overlap: Annotated[
        Overlap, typer.Option("--overlap", help="What to do while one of them runs.")
    ] = Overlap.buffer_all,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Fire a schedule for each of its times in a range that is over.

    Times that were fired before are fired again. The orchestrator does it.
    """
    _change(
        "backfill_schedule",
        "will be backfilled",
        schedule,
        output,
        url,
        start_at=parse_moment("from", start),
        end_at=parse_moment("to", end),
        reason=reason,
        actor=actor,
        overlap=overlap.value,
    )


app.command(
    epilog="Example: tasker schedule update shop/nightly --cron '0 4 * * *' -r 'too early'"
)(update)


@app.command()
def delete(
    schedule: ScheduleName,
    reason: Reason,
    actor: Actor,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Delete a schedule, and what it has buffered. Its tasks go on."""
    _change("delete_schedule", "deleted", schedule, output, url, reason=reason, actor=actor)


app.command(
    epilog="Example: tasker schedule preview --cron '30 2 * * *' --time-zone Europe/Berlin"
)(preview)


def _change(
    verb: str, done: str, schedule: str, output: Format, url: str | None, **arguments: Any
) -> None:
    namespace, name = split_name(schedule)
    with open_database(url) as connection:
        answer = call_one(connection, verb, namespace=namespace, name=name, **arguments)
    show(answer, output, lambda: [_name(answer)], lambda: f"{_name(answer)} {done}")


def _name(schedule: Mapping[str, Any]) -> str:
    return f"{schedule['namespace']}/{schedule['name']}"


def _next(schedule: Mapping[str, Any], count: int) -> list[datetime]:
    """List the next times of a schedule; none while it is paused, or when they cannot be found."""
    from tasker.errors import InvalidInputError

    if schedule["paused"] or schedule["fault"]:
        return []
    try:
        return list_fires(schedule, count)
    except InvalidInputError:  # made in SQL, and no orchestrator has said so yet
        return []
