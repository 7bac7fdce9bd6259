"""The scenarios by name: which graphs, how many tasks, how they arrive. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tasker.bench import shapes
from tasker.bench.load import Backlog, Load, OneByOne, Work
from tasker.bench.scientific import WORKFLOWS

__all__ = ["SEED", "Scenario", "scenarios"]

SEED = 20261129


@dataclass(frozen=True, slots=True)
class Scenario:
    """A load with a name, and what it is about."""

    name: str
    about: str
    load: Load


def _peak(name: str, about: str, shape: shapes.Shape, steps: int) -> Scenario:
    """As many tasks of a shape as make about so many steps."""
    tasks = max(1, steps // shapes.count_steps(shape))
    return Scenario(name, about, Load((shape,), tasks, warm_up=min(tasks, 10)))


def _list() -> list[Scenario]:
    one = shapes.chain(1)
    four = shapes.chain(4)
    return [
        _peak("single", "tasks of one step", one, 10_000),
        *(
            _peak(
                f"chain_{length}",
                f"{length} steps one after the other",
                shapes.chain(length),
                10_000,
            )
            for length in (3, 4, 10, 40)
        ),
        _peak("diamond", "1 → 2 → 1", shapes.diamond(), 10_000),
        _peak("tree", "a binary tree of 31 steps", shapes.tree(5), 10_000),
        *(
            _peak(f"fanout_{width}", f"1 → {width:,} → 1", shapes.fanout(width), 10_000)
            for width in (10, 100, 1_000, 10_000)
        ),
        *(
            _peak(
                f"batch_{width}",
                f"1 → {width:,} → 1, found at run time",
                shapes.batch(width),
                10_000,
            )
            for width in (100, 1_000, 10_000)
        ),
        _peak("decision", "a decision chooses 2 of 3 branches", shapes.decision(), 10_000),
        Scenario(
            "mixed", "500 graphs of nine kinds at once", Load(shapes.draw_shapes(500, SEED), 500)
        ),
        *(
            _peak(name, f"{about}, as scientists run it", shape, 5_000)
            for name, (about, shape) in WORKFLOWS.items()
        ),
        Scenario(
            "latency",
            "a chain of 5 on an idle system, one at a time",
            Load((shapes.chain(5),), 100, OneByOne()),
        ),
        Scenario(
            "backlog", "100,000 tasks wait when the workers start", Load((one,), 100_000, Backlog())
        ),
        Scenario(
            "payload_1k",
            "chains of 4 with 1 KB in each result",
            Load((four,), 2_500, payload=1_024),
        ),
        Scenario(
            "payload_64k",
            "chains of 4 with 64 KB in each result",
            Load((four,), 250, payload=65_536),
        ),
        Scenario(
            "sleep_10ms",
            "chains of 4, each step sleeps 10 ms",
            Load((four,), 2_500, work=Work("sleep", 10)),
        ),
        Scenario(
            "composition",
            "tasks of one step, a composition of 5 that compute",
            Load((one,), 10_000, warm_up=10, work=Work("compose")),
        ),
        Scenario(
            "spin_10ms",
            "chains of 4, each step computes for 10 ms",
            Load((four,), 100, work=Work("spin", 10)),
        ),
    ]


scenarios: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _list()}
