"""The benchmarks' command line: `python -m tasker_benchmarks --help`."""

from __future__ import annotations

import signal
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from tasker.bench.conversation import Executor, ours, raw_pgmq
from tasker.bench.record import percentiles
from tasker.bench.scenarios import Scenario, scenarios
from tasker_benchmarks.about import describe
from tasker_benchmarks.checking import measure
from tasker_benchmarks.compare import compare, count_statements, say
from tasker_benchmarks.docs import IMAGES, show
from tasker_benchmarks.peers import PEERS
from tasker_benchmarks.plots import draw_plots
from tasker_benchmarks.results import append, read
from tasker_benchmarks.servers import own_server
from tasker_benchmarks.studies import STUDIES
from tasker_benchmarks.tables import write_tables

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)

EXECUTORS: dict[str, Executor] = {e.name: e for e in (ours, raw_pgmq)} | dict(PEERS)

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        help="A server where databases may be made. Default: one of its own, whatever TASKER_DATABASE_URL says.",
    ),
]
Folder = Annotated[Path, typer.Option("--into", help="The folder for results, table and plots.")]
_FOLDER = Path("benchmarks/results")


@app.callback()
def main() -> None:
    """End by SIGTERM as by Ctrl-C: databases are dropped, and the server of its own is stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@app.command()
def run(
    names: Annotated[list[str], typer.Argument(metavar="SCENARIO...", help="By name, or: all")],
    executors: Annotated[str, typer.Option("--on", help="Engines, with commas, or: all")] = "all",
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, help="Runs of each; medians count.")
    ] = 3,
    scale: Annotated[
        float, typer.Option("--scale", min=0.001, help="As many times the scenario's tasks.")
    ] = 1,
    statements: Annotated[
        bool,
        typer.Option("--statements", help="Count statements too, on a PostgreSQL 15 of Debian's."),
    ] = False,
    url: Url = None,
    into: Folder = _FOLDER,
) -> None:
    """Run scenarios on engines, in turn, and write the table and the plots."""
    chosen = [_scaled(scenarios[name], scale) for name in _choose(names, list(scenarios))]
    engines = [EXECUTORS[name] for name in _choose(executors.split(","), list(EXECUTORS))]
    server = url or own_server()
    file = _new_file(into, server)
    failed = compare(server, chosen, engines, rounds, file)
    if statements:
        for figure in count_statements(chosen, engines):
            append(file, figure)
    _write(into, [file])
    if failed:
        say(f"{failed} runs failed")
        raise typer.Exit(1)


@app.command()
def checking(
    checks: Annotated[int, typer.Option("--checks", min=100, help="How many are timed.")] = 2000,
) -> None:
    """Time the check of compositions of 20 invocations, new ones and one again, in milliseconds."""
    for what, seconds in zip(("new", "again"), measure(checks), strict=True):
        if (took := percentiles(seconds)) is not None:
            say(f"{what}: p50 {took.p50} ms, p99 {took.p99} ms, of {checks} checks")


@app.command()
def study(
    names: Annotated[
        list[str], typer.Argument(metavar="STUDY...", help=f"Of {', '.join(STUDIES)}; or: all")
    ],
    url: Url = None,
    into: Folder = _FOLDER,
) -> None:
    """Run studies of this engine, and write the table and the plots."""
    server = url or own_server()
    file = _new_file(into, server)
    for name in _choose(names, list(STUDIES)):
        for figure in STUDIES[name](server):
            append(file, figure)
            at = "" if figure.x is None else f" at {figure.x:g}"
            say(f"{figure.study}, {figure.series}{at}: {figure.value:,.4g} {figure.unit}")
    _write(into, [file])


@app.command()
def report(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Results, as .jsonl")],
    into: Folder = _FOLDER,
) -> None:
    """Write the table and the plots of results that are there."""
    _write(into, files)


@app.command()
def docs(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...", help="Results, as .jsonl, later ones over earlier ones."
        ),
    ] = None,
    into: Annotated[Path, typer.Option("--into", help="The folder of the pictures.")] = IMAGES,
) -> None:
    """Take results into the documentation: what its pictures show (figures.json), and the pictures (SVG)."""
    try:
        made = show((read([file]) for file in files or []), into)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    say(f"written: {', '.join(map(str, made))}")


def _choose(names: list[str], known: list[str]) -> list[str]:
    if names == ["all"]:
        return known
    if unknown := [name for name in names if name not in known]:
        raise typer.BadParameter(f"there is no {unknown[0]!r}; they are: {', '.join(known)}")
    return names


def _scaled(scenario: Scenario, scale: float) -> Scenario:
    tasks = max(1, round(scenario.load.tasks * scale))
    return replace(scenario, load=replace(scenario.load, tasks=tasks))


def _new_file(folder: Path, server: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S}.jsonl"
    append(file, describe(server))
    return file


def _write(folder: Path, files: list[Path]) -> None:
    """The table and the plots, in a folder named like the last file of results."""
    results = read(files)
    own = folder / files[-1].stem
    own.mkdir(parents=True, exist_ok=True)
    table = own / "table.md"
    table.write_text(write_tables(results))
    plots = draw_plots(results, own)
    print(table.read_text())
    say(f"written: {', '.join(str(path) for path in (*files, table, *plots))}")


if __name__ == "__main__":
    app()
