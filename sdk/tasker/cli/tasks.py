"""`tasker task …`: see and change tasks."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker.cli import pictures
from tasker.cli.arguments import Output, TaskIds, TemplateRef, Timeout, Url, read_ids, read_seconds
from tasker.cli.database import call_all, call_one, open_database
from tasker.cli.filters import TaskState, Where, read_filter
from tasker.cli.output import Format, show, write_json, write_lines
from tasker.cli.pictures import View
from tasker.cli.rerun import rerun
from tasker.cli.submit import submit
from tasker.cli.task_changes import cancel, pause, resolve, resume, retry
from tasker.cli.task_lookup import find_task, get_template
from tasker.cli.watch import SUCCEEDED, Look, check_success, follow, ignore, look_at, open_display
from tasker.names import COMPOSITION

if TYPE_CHECKING:
    from psycopg import Connection

    from tasker.drawing.graph import Graph
    from tasker.drawing.inside import Inner

app = typer.Typer(no_args_is_help=True, help="Submit, see and change tasks.")
app.command(
    epilog="""Examples:

tasker task submit shop/order '{"id": 7}' --key order-7 --wait

tasker task submit shop/order --lines @orders.jsonl -o ids"""
)(submit)

OneTask = Annotated[
    str,
    typer.Argument(
        metavar="TASK", help="A task's id, or the beginning of one; - reads it from stdin."
    ),
]
Interval = Annotated[
    float,
    typer.Option(
        "--interval",
        parser=read_seconds,
        metavar="DURATION",
        help="The time between two looks, as 500ms, 2s, or a number of seconds.",
    ),
]


@app.command(
    "list",
    epilog="""Examples:

tasker task list -s blocked_by_failures -o ids | tasker task retry - -r fixed

tasker task list --where 'state=error failed=charge created>2d error~"no money"'""",
)
def list_(
    where: Where = None,
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", help="Only tasks of this namespace.")
    ] = None,
    template: Annotated[
        str | None, typer.Option("--template", "-t", help="Only tasks of this template.")
    ] = None,
    state: Annotated[
        list[TaskState] | None,
        typer.Option("--state", "-s", help="Only tasks in this state; may be repeated."),
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="Only tasks with this tag; may be repeated.")
    ] = None,
    correlation_id: Annotated[
        str | None, typer.Option("--correlation-id", help="Only tasks with this id.")
    ] = None,
    parent: Annotated[
        str | None,
        typer.Option("--parent", metavar="TASK", help="Only the child tasks of this one."),
    ] = None,
    before: Annotated[
        str | None, typer.Option("--before", help="Only tasks older than this one: the next page.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10000, help="How many at most.")] = 50,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """List tasks, newest first.

    The options are short for terms of --where, and all must fit.
    """
    with open_database(url) as connection:
        found = read_filter(
            connection,
            where,
            namespace=namespace,
            template=template,
            state=[each.value for each in state or ()],
            tag=tag,
            correlation_id=correlation_id,
            parent=parent,
        )
        tasks = call_all(
            connection,
            "list_tasks",
            filter=found,
            before=find_task(connection, before) if before else None,
            max_rows=limit,
        )

    def view() -> Any:
        from tasker.cli.task_views import draw_tasks

        return draw_tasks(tasks, datetime.now(UTC))

    show(tasks, output, lambda: [task["task_id"] for task in tasks], view)


@app.command("show", epilog="Example: tasker task show 0199a4 -o svg --to task.svg")
def show_(
    task: OneTask,
    all_steps: Annotated[
        bool, typer.Option("--all", help="Draw every step of a wide level.")
    ] = False,
    output: pictures.Output = View.table,
    to: pictures.Target = None,
    url: Url = None,
) -> None:
    """Show a task and its graph, and why steps are not running; or draw a picture of it.

    A picture has the steps with their states, the workers of a batch as one, and branches that were not chosen dashed.

    As JSON: the task with `graph`, its steps, `children`, the tasks that they have started, `inner_steps`, what became
    of the steps inside compositions, and `explanations` of those that are not done. As ids: its steps.
    """
    from tasker.cli.task_views import choose_unexplained

    pictures.check_target(output, to)
    answer = pictures.format_of(output)
    with open_database(url) as connection:
        seen = look_at(connection, find_task(connection, _one_id(task)))
        task_id: str = seen.task["task_id"]
        children = call_all(connection, "list_children", task_id=task_id)
        inner = list_inner(connection, seen.steps, task_id)
        if answer is None:
            graph = _graph(connection, seen, children, inner)
            pictures.show_pictures([graph], output, to)
            return
        is_drawn = bool(inner) and answer is Format.table
        inside = read_all_inner(connection, seen, inner) if is_drawn else {}
        explanations = [
            call_one(connection, "explain_step", task_id=task_id, step_name=name)
            for name in choose_unexplained(seen.steps)
        ]

    def view() -> Any:
        from tasker.cli.task_views import draw_task
        from tasker.cli.times import localise

        now = datetime.now(UTC)
        reasons = {e["step"]: localise(e["reason"], now) for e in explanations}
        per_level = {"per_level": len(seen.steps)} if all_steps else {}
        return draw_task(
            seen.task, seen.steps, reasons, now, children=children, inner=inside, **per_level
        )

    document = {
        **seen.task,
        "graph": seen.steps,
        "children": children,
        "inner_steps": inner,
        "explanations": explanations,
    }
    show(document, answer, lambda: [f"{task_id}/{step['name']}" for step in seen.steps], view)


@app.command()
def watch(
    task: OneTask, interval: Interval = 0.5, timeout: Timeout = None, url: Url = None
) -> None:
    """Follow a task until it ends or is blocked.

    Live on a terminal; elsewhere a line for each change. The exit code is 6 unless the task
    succeeded.
    """
    with open_database(url) as connection:
        task_id = find_task(connection, _one_id(task))
        with open_display() as display:
            seen = follow(lambda: look_at(connection, task_id), display, interval, timeout)
    check_success(seen)


@app.command(
    epilog="Example: tasker task submit shop/order '{}' -o ids | tasker task result - --wait"
)
def result(
    task: OneTask,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end first.")] = False,
    timeout: Timeout = None,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Print what a task came to.

    The exit code is 6 when it failed, and 4 when it has not ended and --wait was not given.
    """
    with open_database(url) as connection:
        task_id = find_task(connection, _one_id(task))
        if wait:
            seen = follow(lambda: look_at(connection, task_id), ignore, 0.25, timeout)
        else:
            seen = look_at(connection, task_id)
        answer = call_one(connection, "get_task_result", task_id=task_id)

    def view() -> Any:
        from tasker.cli.task_views import draw_result

        return draw_result(answer)

    # People and pipes are given no `null` for a result that is not there; the document in JSON says the state as well.
    if output is not Format.table or answer["errors"] or seen.task["state"] in SUCCEEDED:
        show(answer, output, lambda: [task_id], view)
    check_success(seen)


@app.command()
def verify(tasks: TaskIds, output: Output = Format.table, url: Url = None) -> None:
    """Recount tasks' invariants and print what is broken.

    The exit code is 1 when anything is.
    """
    with open_database(url) as connection:
        broken = {
            task_id: call_all(connection, "verify", task_id=task_id)
            for task_id in [find_task(connection, given) for given in read_ids(tasks)]
        }
    match output:
        case Format.json:
            write_json(broken)
        case Format.ids:
            write_lines(task_id for task_id, faults in broken.items() if faults)
        case Format.table:
            for task_id, faults in broken.items():
                write_lines(f"{task_id}: {fault}" for fault in faults or ["sound"])
    if any(broken.values()):
        raise typer.Exit(1)


def list_inner(
    connection: "Connection", steps: Sequence[Mapping[str, Any]], task_id: str
) -> list[dict[str, Any]]:
    """List what became of the steps inside compositions; of a task without any, nothing is asked."""
    if all(step["handler"] != COMPOSITION for step in steps):
        return []
    return call_all(connection, "list_inner_steps", task_id=task_id)


def read_all_inner(
    connection: "Connection", seen: Look, inner: Sequence[dict[str, Any]]
) -> dict[str, Sequence["Inner"]]:
    """Read the steps inside a task's compositions, by the name of the step that runs one."""
    from tasker.drawing.inside import read_inner

    configs: dict[str, dict[str, Any]] = {
        step["name"]: step.get("config") or {} for step in _define(connection, seen)["steps"]
    }
    steps = {step["name"]: step for step in seen.steps}
    return {
        name: read_inner(configs.get(name.partition("/")[0], {}), steps[name], row)
        for row in inner
        if (name := row["step"]) in steps
    }


def _define(connection: "Connection", seen: Look) -> dict[str, Any]:
    wanted = TemplateRef(*(seen.task[part] for part in ("namespace", "template", "version")))
    return get_template(connection, wanted)["definition"]


def _graph(
    connection: "Connection",
    seen: Look,
    children: Sequence[dict[str, Any]],
    inner: Sequence[dict[str, Any]],
) -> "Graph":
    from tasker.drawing.tasks import graph_task

    return graph_task(seen.task, seen.steps, _define(connection, seen), children, inner)


def _one_id(given: str) -> str:
    return read_ids([given])[0]


app.command(
    epilog="Example: tasker task list --tag trial -o ids | tasker task cancel - -r 'is over'"
)(cancel)
app.command(
    epilog="Example: tasker task list --state in_progress -o ids | tasker task pause - -r 'moving house'"
)(pause)
app.command()(resume)
app.command()(retry)
app.command()(resolve)
app.command(
    epilog="""Examples:

tasker task rerun 0199a4 --from charge --reason 'the card was mended' --dry-run

tasker task rerun 0199a4 --from failed --version 1.1.0 --reason 'mended in 1.1.0'"""
)(rerun)
