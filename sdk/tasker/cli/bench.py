"""`tasker bench …`: how fast this engine is on the database that is meant, beside bare pgmq."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from tasker.cli.arguments import Output, Url
from tasker.cli.output import Format, show
from tasker.cli.target import find_database
from tasker.errors import NotFoundError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tasker.bench.load import Load


class Language(StrEnum):
    """What the handlers that do nothing are written in."""

    python = "python"
    ruby = "ruby"
    typescript = "typescript"


app = typer.Typer(
    no_args_is_help=True,
    help="Measure this engine on a database, beside bare pgmq. Use one that serves nothing else.",
)

Tasks = Annotated[int, typer.Option("--tasks", min=1, help="How many tasks.")]
Slots = Annotated[
    int, typer.Option("--slots", min=1, help="How many steps the worker runs at once.")
]
Lang = Annotated[
    Language,
    typer.Option("--lang", help="The handlers' language. Graphs found at run time: python only."),
]


@app.command("list")
def list_(output: Output = Format.table) -> None:
    """The scenarios that `tasker bench run` knows."""
    from tasker.bench import scenarios

    listed = [
        {"name": each.name, "tasks": each.load.tasks, "about": each.about}
        for each in scenarios.values()
    ]
    show(listed, output, lambda: list(scenarios), lambda: draw_scenarios(listed))


@app.command(epilog="Example: tasker bench run diamond batch_1000 mixed")
def run(
    names: Annotated[list[str], typer.Argument(metavar="SCENARIO", help="See: tasker bench list")],
    lang: Lang = Language.python,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Run scenarios one after the other."""
    from tasker.bench import scenarios

    if unknown := [name for name in names if name not in scenarios]:
        raise NotFoundError(
            f"there is no scenario {unknown[0]!r}", f"They are: {', '.join(scenarios)}"
        )
    _measure([(name, scenarios[name].load) for name in names], output, url, lang)


@app.command(epilog="Example: tasker bench chain --steps 4 --tasks 1000 -o json")
def chain(
    steps: Annotated[int, typer.Option("--steps", min=1, help="How many steps a chain has.")] = 4,
    tasks: Tasks = 1000,
    slots: Slots = 500,
    history: Annotated[
        int, typer.Option("--history", min=0, help="Finished tasks to write first. Takes disk.")
    ] = 0,
    lang: Lang = Language.python,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Many chains of steps at once: how many steps a second."""
    from tasker.bench import shapes
    from tasker.bench.history import write_history
    from tasker.bench.load import Load

    shape = shapes.chain(steps)
    if history:
        write_history(find_database(url), shape, history)
    _measure([("chain", Load((shape,), tasks, slots=slots))], output, url, lang)


@app.command()
def fanout(
    width: Annotated[
        int, typer.Option("--width", min=1, help="How many steps side by side.")
    ] = 1000,
    tasks: Tasks = 10,
    slots: Slots = 500,
    lang: Lang = Language.python,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """One step, many beside each other, and one that takes them all: how many steps a second."""
    from tasker.bench import shapes
    from tasker.bench.load import Load

    _measure([("fanout", Load((shapes.fanout(width),), tasks, slots=slots))], output, url, lang)


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
    from tasker.bench import shapes
    from tasker.bench.load import Load

    _measure([("batch", Load((shapes.batch(width),), tasks, slots=slots))], output, url)


@app.command()
def latency(
    steps: Annotated[int, typer.Option("--steps", min=2, help="How many steps a chain has.")] = 5,
    tasks: Tasks = 100,
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate", min=0.1, help="Tasks a second, by the clock. Default: one at a time."
        ),
    ] = None,
    lang: Lang = Language.python,
    output: Output = Format.table,
    url: Url = None,
) -> None:
    """Chains one at a time, or at a steady rate: how long to a start, a result, the next start."""
    from tasker.bench import shapes
    from tasker.bench.load import Load, OneByOne, Steady

    arrival = OneByOne() if rate is None else Steady(rate)
    _measure([("latency", Load((shapes.chain(steps),), tasks, arrival))], output, url, lang)


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
    import anyio

    from tasker.bench import run_idle

    async def measure() -> dict[str, Any]:
        at = find_database(url).conninfo
        report = await run_idle(at, sleeping=sleeping, seconds=seconds, tasks=tasks)
        return report.to_json()

    report = anyio.run(measure)
    show(report, output, lambda: ["idle"], lambda: draw_report(report))


def draw_scenarios(listed: Sequence[Mapping[str, Any]]) -> "RenderableType":
    """Draw the list of scenarios."""
    from tasker.cli.tables import make_table

    table = make_table("NAME", "TASKS", "ABOUT")
    for each in listed:
        table.add_row(each["name"], f"{each['tasks']:,}", each["about"])
    return table


def draw_records(records: Sequence[Mapping[str, Any]]) -> "RenderableType":
    """Draw what was found, as Record.to_json gives it: one record whole, several a line each."""
    from tasker.cli.tables import make_table

    if len(records) == 1:
        return draw_report(records[0])
    table = make_table(
        "SCENARIO", "STEPS", "SECONDS", "STEPS/S", "OF PGMQ", "DATABASE µs/STEP", "CLIENT µs/STEP"
    )
    for record in records:
        if "unsupported" in record:
            table.add_row(record["scenario"], record["unsupported"])
            continue
        cost = record["cost"]
        figures = (record["steps"], record["seconds"], record["rate"], record.get("ratio"))
        used = (cost["database_cpu_us"], cost["client_cpu_us"])
        table.add_row(
            record["scenario"], *("-" if f is None else _write(f) for f in (*figures, *used))
        )
    return table


def draw_report(report: Mapping[str, Any]) -> "RenderableType":
    """Draw what a benchmark found, as Report.to_json gives it."""
    from tasker.cli.tables import make_facts

    return make_facts([(name.replace("_", " "), _write(value)) for name, value in report.items()])


def _write(value: Any) -> str:
    match value:
        case dict():
            named = cast("dict[str, Any]", value)
            return "  ".join(f"{k} {_write(v)}" for k, v in named.items() if v is not None)
        case float():
            return f"{value:,.3f}".rstrip("0").rstrip(".")
        case int():
            return f"{value:,}"
        case _:
            return str(value)


def _measure(
    loads: "Sequence[tuple[str, Load]]",
    output: Format,
    url: str | None,
    lang: Language = Language.python,
) -> None:
    """Run named loads, each with the bare loop beside it; one record is shown as itself, several as a list."""
    from tasker.bench.conversation import in_ruby, in_typescript, ours
    from tasker.bench.runner import run_beside_raw_pgmq

    executors = {
        Language.python: ours,
        Language.ruby: in_ruby,
        Language.typescript: in_typescript,
    }
    database = find_database(url)
    records = [
        run_beside_raw_pgmq(database, load, scenario, executors[lang]).to_json()
        for scenario, load in loads
    ]
    shown = records[0] if len(records) == 1 else records
    show(shown, output, lambda: [name for name, _ in loads], lambda: draw_records(records))
