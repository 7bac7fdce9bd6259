"""`tasker schedule create|update|preview`: what says when a schedule fires, and what it starts."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker.cli.arguments import (
    Actor,
    Output,
    Reason,
    TemplateRef,
    Url,
    parse_template_ref,
    read_json,
)
from tasker.cli.database import call_all, call_one, open_database
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, show
from tasker.cli.schedule_options import (
    AtText,
    CatchupWindow,
    Context,
    CronText,
    End,
    EveryText,
    Jitter,
    Offset,
    OverlapPolicy,
    Priority,
    ScheduleName,
    Start,
    Tags,
    TimeZone,
    check_times,
    list_fires,
    read_tasks,
    read_times,
    split_name,
)
from tasker.cli.submit import check_inputs
from tasker.cli.task_lookup import get_template

if TYPE_CHECKING:
    from psycopg import Connection


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.")],
    template: Annotated[
        str,
        typer.Argument(
            metavar="TEMPLATE",
            help="NAMESPACE/NAME of the template, which is the schedule's namespace too."
            " @VERSION keeps to one.",
        ),
    ],
    input_: Annotated[
        str,
        typer.Argument(
            metavar="INPUT", help="The tasks' input as JSON; @FILE reads a file, - stdin."
        ),
    ] = "{}",
    cron: CronText = None,
    time_zone: TimeZone = None,
    every: EveryText = None,
    offset: Offset = None,
    at: AtText = None,
    start: Start = None,
    end: End = None,
    jitter: Jitter = None,
    catchup_window: CatchupWindow = None,
    overlap: OverlapPolicy = None,
    context: Context = None,
    tag: Tags = None,
    priority: Priority = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Update one of this name that is different.")
    ] = False,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Create a schedule. The same one again is no change."""
    from psycopg.types.json import Jsonb

    ref = parse_template_ref(template)
    times = read_times(
        cron=cron,
        time_zone=time_zone,
        every=every,
        offset=offset,
        at=at,
        start_at=start,
        end_at=end,
        jitter=jitter,
        catchup_window=catchup_window,
    )
    check_times(times)
    definition = {
        "template": ref.name,
        "version": ref.version,
        "input": read_json(input_),
        **times,
        **read_tasks(overlap, context, tag, priority),
    }
    with open_database(url) as connection:
        _check_input(connection, ref, definition["input"])
        answer = call_one(
            connection,
            "create_schedule",
            namespace=ref.namespace,
            name=name,
            definition=Jsonb(definition),
            on_conflict="update" if replace else "reject",
        )
        orchestrated = bool(call_all(connection, "list_orchestrators"))

    def view() -> Any:
        from rich.console import Group

        from tasker.cli.schedule_views import draw_times, find_zone

        done = "created" if answer["created"] else "updated" if answer["updated"] else "unchanged"
        parts: list[Any] = [f"{ref.namespace}/{name} {done}. Next:"]
        parts.append(draw_times(list_fires(times, 3), find_zone(times), datetime.now(UTC)))
        if not orchestrated:
            parts.append("No orchestrator runs: start one with tasker orchestrator, or tasker dev.")
        return Group(*parts)

    show(answer, output, lambda: [f"{ref.namespace}/{name}"], view)


def update(
    schedule: ScheduleName,
    reason: Reason,
    actor: Actor,
    template: Annotated[
        str | None,
        typer.Option("--template", help="NAME or NAME@VERSION of a template of its namespace."),
    ] = None,
    input_: Annotated[
        str | None, typer.Option("--input", help="The tasks' input as JSON; @FILE reads a file.")
    ] = None,
    cron: CronText = None,
    time_zone: TimeZone = None,
    every: EveryText = None,
    offset: Offset = None,
    at: AtText = None,
    start: Start = None,
    end: End = None,
    jitter: Jitter = None,
    catchup_window: CatchupWindow = None,
    overlap: OverlapPolicy = None,
    context: Context = None,
    tag: Tags = None,
    priority: Priority = None,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Change what is given of a schedule, from now on."""
    from psycopg.types.json import Jsonb

    from tasker.cli.schedule_views import draw_schedule

    namespace, name = split_name(schedule)
    changes = {
        **read_times(
            cron=cron,
            time_zone=time_zone,
            every=every,
            offset=offset,
            at=at,
            start_at=start,
            end_at=end,
            jitter=jitter,
            catchup_window=catchup_window,
        ),
        **read_tasks(overlap, context, tag, priority),
    }
    if template is not None:
        ref = parse_template_ref(f"{namespace}/{template.removeprefix(f'{namespace}/')}")
        changes |= {"template": ref.name, "version": ref.version}
    if input_ is not None:
        changes["input"] = read_json(input_)
    if not changes:
        raise CommandFailed(ExitCode.USAGE, "nothing to change was given")
    with open_database(url) as connection:
        now = call_one(connection, "get_schedule", namespace=namespace, name=name)
        if set(changes) & {"cron", "every", "at"}:
            check_times(changes)
        elif time_zone is not None:
            check_times({**now, **changes})
        after = {**now, **changes}
        ref = TemplateRef(namespace, after["template"], after["version"])
        _check_input(connection, ref, after["input"])
        answer = call_one(
            connection,
            "update_schedule",
            namespace=namespace,
            name=name,
            changes=Jsonb(changes),
            reason=reason,
            actor=actor,
        )
    show(
        answer,
        output,
        lambda: [schedule],
        lambda: draw_schedule(answer, [], list_fires(answer, 3), datetime.now(UTC)),
    )


def preview(
    count: Annotated[
        int, typer.Option("--count", "-c", min=1, max=1000, help="How many times.")
    ] = 10,
    cron: CronText = None,
    time_zone: TimeZone = None,
    every: EveryText = None,
    offset: Offset = None,
    at: AtText = None,
    start: Start = None,
    end: End = None,
    output: Output = Format.table,
) -> None:
    """Show when a schedule would fire, without creating it. Needs no database.

    As JSON: the times in UTC.
    """
    times = read_times(
        cron=cron,
        time_zone=time_zone,
        every=every,
        offset=offset,
        at=at,
        start_at=start,
        end_at=end,
    )
    check_times(times)
    found = list_fires(times, count)
    texts = [at.isoformat() for at in found]

    def view() -> Any:
        from tasker.cli.schedule_views import draw_times, find_zone

        return draw_times(found, find_zone(times), datetime.now(UTC))

    show(texts, output, lambda: texts, view)


def _check_input(connection: "Connection", ref: TemplateRef, given: Any) -> None:
    check_inputs(get_template(connection, ref)["definition"], [{"input": given}])
