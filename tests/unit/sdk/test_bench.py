"""Shapes, scenarios and percentiles: what a benchmark is, before anything runs."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from tasker.bench import scenarios, shapes
from tasker.bench.load import NO_OP, Backlog, Idle, Load, OneByOne, Steady, Together
from tasker.bench.record import percentiles
from tasker.bench.workflows import build_workflow

STATIC = [
    s
    for scenario in scenarios.values()
    for s in scenario.load.shapes
    if isinstance(s, shapes.Static)
]


@pytest.mark.parametrize("shape", dict.fromkeys(STATIC), ids=lambda shape: shape.name)
def test_a_static_shape_is_a_graph_without_cycles_that_hangs_together(shape: shapes.Static) -> None:
    for number, parents in enumerate(shape.parents):
        assert len(set(parents)) == len(parents)
        assert all(0 <= parent < number for parent in parents)
    children = {parent for parents in shape.parents for parent in parents}
    alone = (
        set(range(len(shape.parents))) - children - {n for n, of in enumerate(shape.parents) if of}
    )
    assert not alone or len(shape.parents) == 1


def test_shapes_have_the_steps_that_their_names_say() -> None:
    assert shapes.chain(3).parents == ((), (0,), (1,))
    assert shapes.tree(3).parents == ((), (0,), (0,), (1,), (1,), (2,), (2,))
    assert shapes.fanout(2).parents == ((), (0,), (0,), (1, 2))
    counted = [
        shapes.count_steps(s) for s in (shapes.batch(5), shapes.decision(3, 2), shapes.fanout(7))
    ]
    assert counted == [7, 4, 9]


def test_mixed_shapes_are_the_same_for_the_same_seed() -> None:
    assert shapes.draw_shapes(50, 1) == shapes.draw_shapes(50, 1) != shapes.draw_shapes(50, 2)


@pytest.mark.parametrize("arrival", [Together(), Backlog(), OneByOne(), Steady(5.0), Idle(1.0)])
def test_a_load_survives_the_way_to_an_executor(arrival: Together | Steady) -> None:
    load = Load((shapes.chain(2), shapes.batch(3), shapes.decision()), 7, arrival, payload=10)
    kind = TypeAdapter(Load)
    assert kind.validate_json(kind.dump_json(load)) == load


@pytest.mark.parametrize(
    "shape", [shapes.diamond(), shapes.batch(3), shapes.decision(), shapes.fanout(5)]
)
def test_every_kind_of_shape_is_a_workflow(shape: shapes.Shape) -> None:
    workflow = build_workflow(shape, payload=5, work=NO_OP, observe=lambda _context, _ended: None)
    assert len(workflow.template.steps) >= 3


def test_percentiles_are_of_what_was_measured() -> None:
    times = percentiles([n / 1000 for n in range(1, 101)])
    assert times is not None
    assert (times.p50, times.p95, times.p99, times.max) == (51, 96, 100, 100)
    assert percentiles([]) is None
