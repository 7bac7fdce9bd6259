"""How the cost of a step grows with steps a task, finished tasks, workers and connections.

Touches databases and processes.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import psycopg

from tasker.bench import shapes
from tasker.bench.conversation import ours
from tasker.bench.databases import fresh_database
from tasker.bench.history import write_history
from tasker.bench.load import Load
from tasker.bench.record import Record
from tasker.bench.runner import run_load
from tasker_benchmarks.results import Figure
from tasker_sql.connection import Database
from tasker_sql.migrate import migrate

__all__ = ["Size", "connections", "history", "loads_of", "steps_per_task", "workers"]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is run at each place: about so many steps, so many times; of long chains so many tasks at once."""

    steps: int = 20_000
    rounds: int = 3
    at_once: int = 100


_SIZE = Size()
_WARM_UP = 1_000  # steps
_DEPTH = 10
_OURS = 20  # connections
_LONG = 40  # steps, from which on a chain is a long one


def _load(shape: shapes.Shape, steps: int) -> Load:
    """About so many steps in all, and as many to warm up with, whatever a task has."""
    count = shapes.count_steps(shape)
    tasks = max(1, steps // count)
    return Load((shape,), tasks, warm_up=min(tasks, max(1, _WARM_UP // count)))


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


def loads_of(count: int, size: Size = _SIZE) -> dict[str, Load]:
    """Tasks of so many steps, by series: as many steps in all, and as many that can run at once, whatever the count.

    So larger tasks are wider, and not longer: chains of ten beside each other, and fan-outs. Long chains cannot have
    both alike; of them as many tasks run at once, so that the longest have the most steps in all.
    """
    loads = {
        f"chains of {_DEPTH}": _load(shapes.chains(count, _DEPTH), size.steps),
        "fan-out": _load(shapes.fanout(max(1, count - 2)), size.steps),
    }
    if count >= _LONG:
        series = f"one chain, {size.at_once} tasks at once"
        loads[series] = _load(shapes.chain(count), size.at_once * count)
    return loads


def steps_per_task(
    server: str, sizes: Sequence[int] = (1, 4, 10, 40, 100, 400, 1_000), size: Size = _SIZE
) -> Iterator[Figure]:
    """Tasks of ever more steps."""
    for count in sizes:
        for series, load in loads_of(count, size).items():
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
                load = _load(shapes.chain(4), size.steps)
                records.append(
                    run_load(ours, database, load, scenario="chain", run=run, beside=count - 1)
                )
        yield from _figures(
            "workers", "chain of 4", count, records, {"axis": "processes with a worker"}
        )


def connections(
    server: str, counts: Sequence[int] = (0, 20, 40, 80, 160, 320), size: Size = _SIZE
) -> Iterator[Figure]:
    """Other sessions that are connected and have asked something once: as many of them as the server has room for."""
    room = _find_room(server)
    for count in (count for count in counts if count <= room):
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


def _find_room(server: str) -> int:
    """How many sessions the server lets in beside those of the engine and of the measurement."""
    with psycopg.connect(server) as connection:
        row = connection.execute("select current_setting('max_connections')::integer").fetchone()
    assert row is not None
    most: int = row[0]
    return most - _OURS


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
