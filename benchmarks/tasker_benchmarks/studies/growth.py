"""How the cost of a step grows with steps a task, finished tasks, workers and connections.

Touches databases and processes.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from tasker.bench import shapes
from tasker.bench.conversation import ours
from tasker.bench.history import write_history
from tasker.bench.load import Load
from tasker.bench.record import Record
from tasker.bench.runner import run_load
from tasker_benchmarks.results import Figure
from tasker_benchmarks.servers import fresh_database
from tasker_sql.connection import Database
from tasker_sql.migrate import migrate

__all__ = ["Size", "connections", "history", "steps_per_task", "workers"]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is run at each place: about so many steps, so many times.

    Of chains at least `at_once` tasks: a few long ones would only show how long a claim takes.
    """

    steps: int = 10_000
    rounds: int = 3
    at_once: int = 100


_SIZE = Size()


def _load(shape: shapes.Shape, steps: int, at_least: int = 1) -> Load:
    tasks = max(at_least, steps // shapes.count_steps(shape))
    return Load((shape,), tasks, warm_up=min(tasks, 10))


def _figures(
    study: str, series: str, x: float, records: Sequence[Record], settings: Mapping[str, Any]
) -> Iterator[Figure]:
    """The medians of some runs at one place."""
    rate = statistics.median(record.rate for record in records)
    yield Figure(study, series, x, rate, "steps a second", settings)
    for name, unit in (("database_cpu_us", "database CPU"), ("client_cpu_us", "client CPU")):
        costs = [getattr(record.cost, name) for record in records]
        if all(cost is not None for cost in costs):
            yield Figure(
                study, f"{series}, {unit}", x, statistics.median(costs), "µs a step", settings
            )


def steps_per_task(
    server: str, sizes: Sequence[int] = (1, 4, 10, 40, 100, 400, 1_000), size: Size = _SIZE
) -> Iterator[Figure]:
    """Chains and fan-outs of ever more steps, about as many steps in all."""
    for count in sizes:
        chains = _load(shapes.chain(count), size.steps, size.at_once)
        fanouts = _load(shapes.fanout(max(1, count - 2)), size.steps)
        for series, load in (("chain", chains), ("fan-out", fanouts)):
            records: list[Record] = []
            for run in range(size.rounds):
                with fresh_database(server, "steps") as database:
                    records.append(run_load(ours, database, load, scenario=series, run=run))
            yield from _figures(
                "steps per task", series, count, records, {"axis": "steps of a task"}
            )


def workers(
    server: str, counts: Sequence[int] = (1, 2, 3, 4, 6), size: Size = _SIZE
) -> Iterator[Figure]:
    """The same load, shared by more and more processes."""
    for count in counts:
        records: list[Record] = []
        for run in range(size.rounds):
            with fresh_database(server, "workers") as database:
                load = _load(shapes.chain(4), 2 * size.steps)
                records.append(
                    run_load(ours, database, load, scenario="chain", run=run, beside=count - 1)
                )
        yield from _figures(
            "workers", "chain of 4", count, records, {"axis": "processes with a worker"}
        )


def connections(
    server: str, counts: Sequence[int] = (0, 50, 100, 200), size: Size = _SIZE
) -> Iterator[Figure]:
    """Other sessions that are connected and have asked something once."""
    for count in counts:
        records: list[Record] = []
        for run in range(size.rounds):
            with fresh_database(server, "connections") as database, ExitStack() as others:
                for _ in range(count):
                    others.enter_context(database.connect()).execute("select 1")
                records.append(
                    run_load(
                        ours,
                        database,
                        _load(shapes.chain(4), size.steps),
                        scenario="chain",
                        run=run,
                    )
                )
        yield from _figures(
            "connections", "chain of 4", count, records, {"axis": "other connections"}
        )


def history(
    server: str, sizes: Sequence[int] = (0, 10_000, 100_000, 1_000_000), size: Size = _SIZE
) -> Iterator[Figure]:
    """Finished tasks of 4 steps behind what runs; each size beside a database without, in turn."""
    shape = shapes.chain(4)
    with fresh_database(server, "history") as full, fresh_database(server, "empty") as empty:
        for database in (full, empty):
            _install(database)
        written = 0
        for count in sizes:
            if count > written:
                write_history(full, shape, count - written)
                written = count
            behind: list[Record] = []
            without: list[Record] = []
            for run in range(size.rounds + 2):
                for database, records in ((full, behind), (empty, without)):
                    records.append(
                        run_load(
                            ours, database, _load(shape, size.steps), scenario="chain", run=run
                        )
                    )
            settings = {"axis": "finished tasks"}
            yield from _figures("history", "with", count, behind, settings)
            yield from _figures("history", "without, same runs", count, without, settings)


def _install(database: Database) -> None:
    with database.connect() as connection:
        migrate(connection)
