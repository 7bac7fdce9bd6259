"""`tasker step …`: see and change steps."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker.cli.arguments import (
    Actor,
    Output,
    Reason,
    StepRefs,
    Url,
    parse_step_ref,
    read_ids,
    read_json,
)
from tasker.cli.database import call_all, call_one, open_database
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.operate import do_to_each
from tasker.cli.output import Format, show
from tasker.cli.task_lookup import find_task

if TYPE_CHECKING:
    from psycopg import Connection

app = typer.Typer(
    no_args_is_help=True, help="See and change the steps of tasks. A step is named TASK/STEP."
)

Result = Annotated[
    str,
    typer.Option(
        "--result",
        help="The result its children see, as JSON; @FILE reads a file.",
        show_default="null",
    ),
]


@app.command(
    "list",
    epilog="Example: tasker step list 0199a4 -s error -o ids | tasker step retry - -r fixed",
)
def list_(
    task: Annotated[
        str, typer.Argument(metavar="TASK", help="A task's id, or the beginning of one.")
    ],
    state: Annotated[
        str | None, typer.Option("--state", "-s", help="Only steps in this state.")
    ] = None,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """List a task's steps."""
    with open_database(url) as connection:
        task_id = find_task(connection, task)
        call_one(connection, "get_task", task_id=task_id)
        steps = call_all(connection, "list_steps", task_id=task_id)
    steps = [step for step in steps if state is None or step["state"] == state]

    def view() -> Any:
        from tasker.cli.graph_view import draw_task_graph

        return draw_task_graph(steps, datetime.now(UTC), per_level=len(steps))

    show(steps, output, lambda: [f"{task_id}/{step['name']}" for step in steps], view)


@app.command("show")
def show_(
    step: Annotated[str, typer.Argument(metavar="TASK/STEP", help="A step.")],
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Show a step: how it stands and why, its attempts, what it got and gave.

    As JSON: the step with `explanation`.
    """
    ref = parse_step_ref(read_ids([step])[0])
    with open_database(url) as connection:
        task_id = find_task(connection, ref.task)
        found = call_one(connection, "get_step", task_id=task_id, step_name=ref.step)
        explanation = call_one(connection, "explain_step", task_id=task_id, step_name=ref.step)

    def view() -> Any:
        from tasker.cli.step_views import draw_step
        from tasker.cli.times import localise

        now = datetime.now(UTC)
        return draw_step(
            found, {**explanation, "reason": localise(explanation["reason"], now)}, now
        )

    show({**found, "explanation": explanation}, output, lambda: [f"{task_id}/{ref.step}"], view)


@app.command(
    epilog="Example: tasker dlq show -o ids | tasker step retry - -r 'the gateway is back'"
)
def retry(
    steps: StepRefs, reason: Reason, actor: Actor, output: Output = Format.table, url: Url = None
) -> None:
    """Try failed steps again, with a fresh number of attempts; those that wait for one, at once."""
    _change("retry_step", "retried", steps, output, url, reason=reason, actor=actor)


@app.command()
def resolve(
    steps: StepRefs,
    reason: Reason,
    actor: Actor,
    result: Result = "null",
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Mark steps as dealt with by hand; their children see the result given and can run."""
    _settle("resolve_step", "resolved", result, steps, output, url, reason=reason, actor=actor)


@app.command()
def complete(
    steps: StepRefs,
    reason: Reason,
    actor: Actor,
    result: Result = "null",
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Complete steps by hand, as if their handlers had returned the result given."""
    _settle("complete_step", "completed", result, steps, output, url, reason=reason, actor=actor)


def _settle(
    verb: str,
    done: str,
    result: str,
    steps: Sequence[str],
    output: Format,
    url: str | None,
    **why: str,
) -> None:
    from psycopg.types.json import Jsonb

    given = read_json(result)

    def settle(connection: "Connection", task_id: str, step: str) -> Any:
        found = call_one(connection, "get_step", task_id=task_id, step_name=step)
        _hold(given, found["result_schema"], step)
        return call_one(
            connection, verb, task_id=task_id, step_name=step, result=Jsonb(given), **why
        )

    _change_each(settle, done, steps, output, url)


def _hold(result: Any, schema: Any, step: str) -> None:
    """Refuse a result that a handler could not have given: the step's children rely on it."""
    from tasker_grammar.contracts import check

    findings = [] if schema is None else check(schema, result)
    if findings:
        raise CommandFailed(
            ExitCode.USAGE,
            f"the result is not what {step} gives: {'; '.join(map(str, findings))}",
            "Give one with --result. Nothing was changed.",
        )


def _change(
    verb: str, done: str, steps: Sequence[str], output: Format, url: str | None, **arguments: Any
) -> None:
    def change(connection: "Connection", task_id: str, step: str) -> Any:
        return call_one(connection, verb, task_id=task_id, step_name=step, **arguments)

    _change_each(change, done, steps, output, url)


def _change_each(
    change: Callable[["Connection", str, str], Any],
    done: str,
    steps: Sequence[str],
    output: Format,
    url: str | None,
) -> None:
    refs = {given: parse_step_ref(given) for given in read_ids(steps)}
    with open_database(url) as connection:

        def act(given: str) -> Any:
            ref = refs[given]
            return change(connection, find_task(connection, ref.task), ref.step)

        do_to_each(list(refs), act, output, lambda given: f"{done} {given}")
