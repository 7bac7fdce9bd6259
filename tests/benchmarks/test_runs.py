"""The benchmarks run against a real server, small: engines in turn, studies, tables and plots, and what fails."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tasker_benchmarks.compare import compare, count_statements
from tasker_benchmarks.plots import draw_plots
from tasker_benchmarks.results import append, median, read
from tasker_benchmarks.studies import cold_start, growth, latency_under_load, recovery
from tasker_benchmarks.tables import write_tables

from tasker.bench import run_load, scenarios, shapes
from tasker.bench.conversation import Executor, ours, raw_pgmq
from tasker.bench.load import Backlog, Load, Steady
from tasker.bench.scenarios import Scenario
from tasker.errors import InvalidStateError
from tasker_sql.connection import Database

SMALL = [
    Scenario("pair", "two steps", Load((shapes.chain(2),), 20)),
    Scenario("drain", "what waits", Load((shapes.chain(1),), 20, Backlog())),
    Scenario("mixed", "of all kinds", Load(shapes.draw_shapes(20, 1), 20)),
]


def test_engines_come_in_turn_and_the_results_become_tables_and_plots(
    tasker_server: str, tmp_path: Path
) -> None:
    file = tmp_path / "results.jsonl"
    assert compare(tasker_server, SMALL, [ours, raw_pgmq], rounds=2, results=file) == 0
    results = read([file])
    ran = [(r["scenario"], r["executor"], r["run"]) for r in results.records]
    assert ran[0][1] == "tasker" and ("pair", "tasker", 2) in ran
    second = [name for scenario, name, run in ran if (scenario, run) == ("pair", 2)]
    assert second == ["raw_pgmq", "tasker"]
    assert ("drain", "raw_pgmq", 1) in ran and ("drain", "raw_pgmq", 2) not in ran
    pair = [r for r in results.records if r["scenario"] == "pair" and r["executor"] == "tasker"]
    assert [r["steps"] for r in pair] == [40, 40]
    assert median(pair, "cost", "commits") is not None
    table = write_tables(results)
    assert "| pair |" in table and "a loop over messages has no tasks" in table
    plots = draw_plots(results, tmp_path)
    assert {plot.suffix for plot in plots} == {".png", ".svg"}
    assert all(plot.stat().st_size > 1000 for plot in plots)


def test_statements_are_counted_on_a_server_that_can() -> None:
    [figure] = count_statements([replace(SMALL[0], load=replace(SMALL[0].load, tasks=500))], [ours])
    assert 0 < figure.value < 1


def test_times_count_from_when_a_task_was_due(database: str) -> None:
    """Far more is due than can be done: who measured from submission would see nothing of it."""
    load = Load((shapes.chain(1),), 3_000, Steady(100_000))
    record = run_load(ours, Database(database), load, scenario="flood")
    assert record.submit_to_start_ms is not None
    assert record.submit_to_start_ms.max > 500 * (record.seconds - 3_000 / 100_000)


def test_workers_beside_share_the_work_and_count(database: str) -> None:
    load = Load((shapes.chain(4),), 200, slots=10)
    record = run_load(ours, Database(database), load, scenario="chain", beside=1)
    assert record.settings["processes"] == 2
    assert record.cost is not None and record.cost.client_memory_mb > 90


BROKEN = {
    "ends": "import sys; sys.exit('nothing works')",
    "babbles": "print('hello', flush=True); input()",
    "leaves badly": (
        'print(\'{"kind":"unsupported","why":"no"}\', flush=True); input(); raise SystemExit(3)'
    ),
    "ends when it should run": 'print(\'{"kind":"ready","versions":{}}\', flush=True); input(); input()',
}


@pytest.mark.parametrize("program", BROKEN.values(), ids=BROKEN)
def test_an_executor_that_fails_is_told_of_with_its_log(program: str, database: str) -> None:
    broken = Executor("broken", (sys.executable, "-c", program))
    with pytest.raises(InvalidStateError, match="the executor of broken failed"):
        run_load(broken, Database(database), SMALL[0].load, scenario="pair")


def test_a_failed_run_is_counted_and_the_others_go_on(tasker_server: str, tmp_path: Path) -> None:
    broken = Executor("broken", (sys.executable, "-c", "raise SystemExit(1)"))
    file = tmp_path / "results.jsonl"
    assert compare(tasker_server, SMALL[:1], [broken, ours], rounds=1, results=file) == 1
    assert [record["executor"] for record in read([file]).records] == ["tasker"]


def test_larger_tasks_are_compared_with_as_many_steps_that_can_run_at_once() -> None:
    def measure(count: int) -> dict[str, tuple[int, int]]:
        """Steps in all, and those that nothing keeps from running once the first of each task are done."""
        found: dict[str, tuple[int, int]] = {}
        for series, load in growth.loads_of(count).items():
            (shape,) = load.shapes
            assert isinstance(shape, shapes.Static)
            first = {number for number, of in enumerate(shape.parents) if not of}
            width = max(len(first), sum(of == (0,) for of in shape.parents))
            found[series] = (load.tasks * len(shape.parents), load.tasks * width)
        return found

    hundred, thousand = measure(100), measure(1_000)
    assert hundred["chains of 10"] == thousand["chains of 10"] == (20_000, 2_000)
    for steps, at_once in (hundred["fan-out"], thousand["fan-out"]):
        assert steps == 20_000 and at_once > 19_000
    for steps, at_once in (hundred.popitem()[1], thousand.popitem()[1]):
        assert steps in (10_000, 100_000) and at_once == 100


def test_studies_give_figures(tasker_server: str, tmp_path: Path) -> None:
    small = growth.Size(steps=100, rounds=1, at_once=10)
    found = [
        *growth.steps_per_task(tasker_server, (3,), small),
        *growth.workers(tasker_server, (2,), small),
        *growth.connections(tasker_server, (5, 100_000), small),  # no server has so much room
        *growth.history(tasker_server, (50,), small),
        *latency_under_load(tasker_server, (0.1,), 1),
        *recovery(tasker_server, (1,), 1),
        *cold_start(tasker_server, 1),
    ]
    file = tmp_path / "figures.jsonl"
    for figure in found:
        append(file, figure)
    results = read([file])
    assert {f.study for f in results.figures} >= {
        "steps per task",
        "workers",
        "history",
        "recovery",
    }
    assert all(figure.value >= 0 for figure in found)
    assert "## cold start" in write_tables(results)
    assert len(draw_plots(results, tmp_path)) >= 2 * 5


def test_every_scenario_is_there_that_the_docs_name() -> None:
    assert {"single", "chain_40", "diamond", "tree", "fanout_10000", "mixed", "backlog"} <= set(
        scenarios
    )
