"""`tasker bench …`: how fast this engine is on the database that is meant, beside bare pgmq."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tasker.cli.arguments import Output, Url
from tasker.cli.bench_database import open_database
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.output import Format, show
from tasker.errors import NotFoundError
from tasker.scaffold import Language

if TYPE_CHECKING:
    from tasker.bench.load import Load
    from tasker_sql.connection import Database


app = typer.Typer(
    no_args_is_help=True,
    help="Measure this engine on a server, beside bare pgmq.\n\nIn a new database that is dropped afterwards."
    " Use a server that serves nothing else.",
)

Tasks = Annotated[int, typer.Option("--tasks", min=1, help="How many tasks.")]
Slots = Annotated[
    int, typer.Option("--slots", min=1, help="How many steps the worker runs at once.")
]
Lang = Annotated[
    Language,
    typer.Option("--lang", help="The handlers' language. Graphs found at run time: python only."),
]
Here = Annotated[
    bool,
    typer.Option(
        "--here",
        help="Measure in the database itself, and leave it there. Default: in a new one on its server.",
        rich_help_panel="Database",
    ),
]


@app.command("list")
def list_(output: Output = Format.table) -> None:
    """The scenarios that `tasker bench run` knows."""
    from tasker.bench import scenarios
    from tasker.cli.bench_views import draw_scenarios

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
    here: Here = False,
) -> None:
    """Run scenarios one after the other."""
    from tasker.bench import scenarios

    if unknown := [name for name in names if name not in scenarios]:
        raise NotFoundError(
            f"there is no scenario {unknown[0]!r}", f"They are: {', '.join(scenarios)}"
        )
    _measure([(name, scenarios[name].load) for name in names], output, url, here, lang)


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
    here: Here = False,
) -> None:
    """Many chains of steps at once: how many steps a second."""
    from tasker.bench import shapes
    from tasker.bench.history import write_history
    from tasker.bench.load import Load

    shape = shapes.chain(steps)

    def prepare(database: "Database") -> None:
        if history:
            write_history(database, shape, history)

    _measure([("chain", Load((shape,), tasks, slots=slots))], output, url, here, lang, prepare)


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
    here: Here = False,
) -> None:
    """One step, many beside each other, and one that takes them all: how many steps a second."""
    from tasker.bench import shapes
    from tasker.bench.load import Load

    _measure(
        [("fanout", Load((shapes.fanout(width),), tasks, slots=slots))], output, url, here, lang
    )


@app.command()
def batch(
    width: Annotated[
        int, typer.Option("--width", min=1, help="How many workers the batch has.")
    ] = 10_000,
    tasks: Tasks = 1,
    slots: Slots = 500,
    output: Output = Format.table,
    url: Url = None,
    here: Here = False,
) -> None:
    """One batch, its workers, and one step that takes all their results: how many steps a second."""
    from tasker.bench import shapes
    from tasker.bench.load import Load

    _measure([("batch", Load((shapes.batch(width),), tasks, slots=slots))], output, url, here)


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
    here: Here = False,
) -> None:
    """Chains one at a time, or at a steady rate: how long to a start, a result, the next start."""
    from tasker.bench import shapes
    from tasker.bench.load import Load, OneByOne, Steady

    arrival = OneByOne() if rate is None else Steady(rate)
    _measure([("latency", Load((shapes.chain(steps),), tasks, arrival))], output, url, here, lang)


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
    here: Here = False,
) -> None:
    """A system with nothing to do, without sleeping tasks and with: its CPU, how fast it answers.

    The database must run on this machine. With --here the tasks stay asleep there.
    """
    import anyio

    from tasker.bench import run_idle
    from tasker.cli.bench_views import draw_idle

    async def measure(at: str) -> dict[str, Any]:
        report = await run_idle(at, sleeping=sleeping, seconds=seconds, tasks=tasks)
        return report.to_json()

    with open_database(url, here=here) as database:
        report = anyio.run(measure, database.conninfo)
    show(report, output, lambda: ["idle"], lambda: draw_idle(report))


def _measure(
    loads: "Sequence[tuple[str, Load]]",
    output: Format,
    url: str | None,
    here: bool,
    lang: Language = Language.python,
    prepare: "Callable[[Database], None] | None" = None,
) -> None:
    """Run named loads, each with the bare loop beside it; one record is shown as itself, several as a list.

    Raises CommandFailed when none of them can be run in this language.
    """
    from tasker.bench.conversation import in_ruby, in_typescript, ours
    from tasker.bench.runner import run_beside_raw_pgmq
    from tasker.cli.bench_views import draw_records

    executors = {
        Language.python: ours,
        Language.ruby: in_ruby,
        Language.typescript: in_typescript,
    }
    with open_database(url, here=here) as database:
        if prepare is not None:
            prepare(database)
        records = [
            run_beside_raw_pgmq(database, load, scenario, executors[lang]).to_json()
            for scenario, load in loads
        ]
    shown = records[0] if len(records) == 1 else records
    show(shown, output, lambda: [name for name, _ in loads], lambda: draw_records(records))
    if all("unsupported" in record for record in records):
        raise CommandFailed(ExitCode.USAGE, "nothing was run", "--lang python runs everything.")
