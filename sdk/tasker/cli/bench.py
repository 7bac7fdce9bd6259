"""`tasker bench …`: how fast this engine is on the database that is meant, beside bare pgmq."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from tasker.cli.arguments import Output, Url
from tasker.cli.output import Format, show
from tasker.cli.target import find_database

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tasker.bench import IdleReport, Report

app = typer.Typer(
    no_args_is_help=True,
    help="Measure this engine on a database, beside bare pgmq. Use one that serves nothing else.",
)

Tasks = Annotated[int, typer.Option("--tasks", min=1, help="How many tasks.")]
Slots = Annotated[
    int, typer.Option("--slots", min=1, help="How many steps the worker runs at once.")
]


@app.command(epilog="Example: tasker bench chain --steps 4 --tasks 1000 -o json")
def chain(
    steps: Annotated[int, typer.Option("--steps", min=1, help="How many steps a chain has.")] = 4,
    tasks: Tasks = 1000,
    slots: Slots = 500,
    history: Annotated[
        int, typer.Option("--history", min=0, help="Finished tasks to write first. Takes disk.")
    ] = 0,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Many chains of steps at once: how many steps a second."""
    from tasker.bench import run_chain

    def run(at: str) -> Awaitable["Report"]:
        return run_chain(at, steps=steps, tasks=tasks, slots=slots, history=history)

    _measure(run, output, url)


@app.command()
def fanout(
    width: Annotated[
        int, typer.Option("--width", min=1, help="How many steps side by side.")
    ] = 1000,
    tasks: Tasks = 10,
    slots: Slots = 500,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """One step, many beside each other, and one that takes them all: how many steps a second."""
    from tasker.bench import run_fanout

    _measure(lambda at: run_fanout(at, width=width, tasks=tasks, slots=slots), output, url)


@app.command()
def batch(
    width: Annotated[
        int, typer.Option("--width", min=1, help="How many workers the batch has.")
    ] = 10_000,
    tasks: Tasks = 1,
    slots: Slots = 500,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """One batch, its workers, and one step that takes all their results: how many steps a second."""
    from tasker.bench import run_batch

    _measure(lambda at: run_batch(at, width=width, tasks=tasks, slots=slots), output, url)


@app.command()
def latency(
    steps: Annotated[int, typer.Option("--steps", min=2, help="How many steps a chain has.")] = 5,
    tasks: Tasks = 100,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """One chain at a time on an idle system: how long from a handler's end to the next's start."""
    from tasker.bench import run_latency

    _measure(lambda at: run_latency(at, steps=steps, tasks=tasks), output, url)


@app.command()
def idle(
    sleeping: Annotated[
        int, typer.Option("--sleeping", min=1, help="How many tasks sleep.")
    ] = 100_000,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.1, help="How long the CPU is measured, each time.")
    ] = 30,
    tasks: Tasks = 100,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """A system with nothing to do, without sleeping tasks and with: its CPU, how fast it answers.

    The database must run on this machine. The tasks stay asleep: use a database that you can drop.
    """
    from tasker.bench import run_idle

    _measure(lambda at: run_idle(at, sleeping=sleeping, seconds=seconds, tasks=tasks), output, url)


def draw_report(report: Mapping[str, Any]) -> "RenderableType":
    """Draw what a benchmark found, as Report.to_json gives it."""
    from tasker.cli.tables import make_facts

    return make_facts([(name.replace("_", " "), _write(value)) for name, value in report.items()])


def _write(value: Any) -> str:
    match value:
        case dict():
            named = cast("dict[str, Any]", value)
            return "  ".join(f"{name} {_write(part)}" for name, part in named.items())
        case float():
            return f"{value:,.3f}".rstrip("0").rstrip(".")
        case int():
            return f"{value:,}"
        case _:
            return str(value)


def _measure(
    run: Callable[[str], Awaitable["Report | IdleReport"]], output: Format, url: str | None
) -> None:
    import anyio

    async def measure() -> "Report | IdleReport":
        return await run(find_database(url).conninfo)

    report = anyio.run(measure).to_json()
    show(report, output, lambda: [report["scenario"]], lambda: draw_report(report))
