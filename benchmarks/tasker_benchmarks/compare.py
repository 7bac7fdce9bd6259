"""Runs scenarios on engines in turn, round after round. Touches databases, processes and the results' file."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tasker.bench.conversation import Executor
from tasker.bench.databases import fresh_database
from tasker.bench.record import Record
from tasker.bench.runner import run_load
from tasker.bench.scenarios import Scenario
from tasker.errors import TaskerError
from tasker_benchmarks.results import Figure, append
from tasker_benchmarks.servers import counting_server

__all__ = ["compare", "count_statements", "say"]


def say(line: str) -> None:
    """Tell how far it is."""
    print(line, file=sys.stderr, flush=True)


def compare(
    server: str,
    scenarios: Sequence[Scenario],
    executors: Sequence[Executor],
    rounds: int,
    results: Path,
) -> int:
    """Run each scenario on each engine, `rounds` times; how many runs failed.

    In each round all engines come one after the other, each in a new database, so that a change of the machine's speed
    meets all of them. The order is turned by one each round.
    """
    failed = 0
    left_out: set[tuple[str, str]] = set()
    for run in range(1, rounds + 1):
        turn = (run - 1) % max(len(executors), 1)
        for scenario in scenarios:
            for executor in (*executors[turn:], *executors[:turn]):
                if (scenario.name, executor.name) in left_out:
                    continue
                began = time.monotonic()
                try:
                    record = _run(server, scenario, executor, run)
                except TaskerError as error:
                    failed += 1
                    say(f"{scenario.name} {executor.name}: {error}")
                    continue
                append(results, record)
                if record.unsupported is not None:
                    left_out.add((scenario.name, executor.name))
                figure = record.unsupported or f"{record.rate:,.0f} steps/s"
                spent = time.monotonic() - began
                say(f"{run}/{rounds} {scenario.name} {executor.name}: {figure} ({spent:.1f} s)")
    return failed


def count_statements(
    scenarios: Sequence[Scenario], executors: Sequence[Executor]
) -> Iterator[Figure]:
    """Run each once more on a server that counts statements; none where it is not installed."""
    with counting_server() as server:
        if server is None:
            say("statements: PostgreSQL 15 of Debian's packages is not here, so none are counted")
            return
        for scenario in scenarios:
            for executor in executors:
                try:
                    record = _run(server, scenario, executor, 1)
                except TaskerError as error:
                    say(f"statements of {scenario.name}, {executor.name}: {error}")
                    continue
                if record.cost is not None and record.cost.statements is not None:
                    unit = "statements a step"
                    yield Figure(
                        unit,
                        f"{scenario.name}, {executor.name}",
                        None,
                        record.cost.statements,
                        unit,
                        {},
                    )


def _run(server: str, scenario: Scenario, executor: Executor, run: int) -> Record:
    tasks = max(1, round(scenario.load.tasks * executor.share))
    load = replace(scenario.load, tasks=tasks, warm_up=min(tasks, scenario.load.warm_up))
    with fresh_database(server, executor.name) as database:
        return run_load(executor, database, load, scenario=scenario.name, run=run)
