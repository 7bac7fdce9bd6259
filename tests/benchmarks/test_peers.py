"""Every rival runs every load that it has, small, against a real server; what it has not, it says and why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tasker_benchmarks.peers import PEERS, tools
from tasker_benchmarks.peers.engine import Counts, Steps, prepared
from tasker_benchmarks.peers.graph import levels, run_shape

from tasker.bench import run_load, shapes
from tasker.bench.databases import fresh_database
from tasker.bench.load import NO_OP, Arrival, Backlog, Load, OneByOne, Ready, Steady, Work
from tasker.bench.record import Record

GRAPHS: tuple[shapes.Shape, ...] = (
    shapes.chain(3),
    shapes.diamond(),
    shapes.tree(3),
    shapes.fanout(5),
    shapes.batch(4),
    shapes.decision(),
)
ARRIVALS: tuple[Arrival, ...] = (Backlog(), OneByOne(), Steady(50))
RUNS = {
    "absurd": GRAPHS,
    "dbos": GRAPHS,
    "temporal": GRAPHS,
    "pgflow": GRAPHS[:-1],
    "skip_locked": (shapes.chain(3), shapes.chain(1)),
}
BY_SET_UP = {
    "pgflow": tools.pgflow_sql() is not None,
    "temporal": tools.temporal_program("sql") is not None,
}


@pytest.fixture(params=PEERS)
def peer(request: pytest.FixtureRequest) -> str:
    return request.param


def run(server: str, peer: str, load: Load) -> Record:
    with fresh_database(server, f"test_{peer}") as database:
        return run_load(PEERS[peer], database, load, scenario="small")


def test_single_steps_all_at_once_are_done(tasker_server: str, peer: str) -> None:
    record = run(tasker_server, peer, Load((shapes.chain(1),), 20, warm_up=2, slots=10))
    if not BY_SET_UP.get(peer, True):
        assert record.unsupported and "make setup-benchmarks" in record.unsupported
        return
    assert (record.unsupported, record.tasks, record.steps) == (None, 20, 20)
    assert record.seconds > 0 and record.cost is not None
    assert record.versions or peer == "skip_locked"
    assert record.settings.keys() - {"arrival", "payload", "work", "slots", "warm_up", "shapes"}


@pytest.mark.parametrize("arrival", ARRIVALS, ids=lambda arrival: arrival.kind)
def test_tasks_arrive_in_every_way(tasker_server: str, peer: str, arrival: Arrival) -> None:
    if not BY_SET_UP.get(peer, True):
        pytest.skip("not on this machine: make setup-benchmarks")
    load = Load((shapes.chain(1),), 5, arrival, payload=100, slots=10, warm_up=2)
    record = run(tasker_server, peer, load)
    assert (record.unsupported, record.tasks) == (None, 5)
    timed = isinstance(arrival, OneByOne | Steady)
    assert (record.submit_to_result_ms is not None) == timed
    assert (record.submit_to_start_ms is not None) == timed


@pytest.mark.parametrize("peer", RUNS)
def test_graphs_of_all_kinds_are_run_at_once(tasker_server: str, peer: str) -> None:
    if not BY_SET_UP.get(peer, True):
        pytest.skip("not on this machine: make setup-benchmarks")
    graphs = RUNS[peer]
    load = Load(graphs, 2 * len(graphs), warm_up=1, slots=10, work=Work("sleep", 1))
    record = run(tasker_server, peer, load)
    assert (record.unsupported, record.steps) == (None, 2 * sum(map(shapes.count_steps, graphs)))


@pytest.mark.parametrize(
    ("peer", "shape", "why"),
    [
        ("pgqueuer", shapes.chain(2), "its jobs cannot depend on each other, and keep no results"),
        ("procrastinate", shapes.chain(2), "its jobs cannot depend on each other"),
        ("skip_locked", shapes.diamond(), "a plain queue has no graphs"),
        ("pgflow", shapes.decision(), "has no conditions"),
    ],
)
def test_what_an_engine_has_not_it_says(
    tasker_server: str, peer: str, shape: shapes.Shape, why: str
) -> None:
    if not BY_SET_UP.get(peer, True):
        pytest.skip("not on this machine: make setup-benchmarks")
    record = run(tasker_server, peer, Load((shape,), 1))
    assert record.unsupported is not None and why in record.unsupported


def test_a_step_comes_when_its_parents_are_done() -> None:
    for shape in (*GRAPHS[:4], *(s for s in shapes.draw_shapes(20, 1) if s.kind == "static")):
        assert isinstance(shape, shapes.Static)
        done: list[int] = []

        async def step(
            no: int, parents: int, done: list[int] = done, shape: shapes.Static = shape
        ) -> None:
            assert set(shape.parents[no]) <= set(done) and parents == len(shape.parents[no])
            await asyncio.sleep(0)
            done.append(no)

        assert asyncio.run(run_shape(shape, 1, step)) == len(shape.parents)
        assert sorted(done) == list(range(len(shape.parents)))
    assert levels(shapes.diamond()) == ((0,), (1, 2), (3,))


class _Forgetful:
    """An engine that runs all handlers and whose tables say something else."""

    def __init__(self, steps: Steps, lost: int) -> None:
        self.steps = steps
        self.lost = lost

    async def submit(self, shape: shapes.Shape, numbers: Sequence[int]) -> None:
        for number in numbers:
            await self.steps.run(number, 0, 0)

    async def result(self, number: int) -> None:
        pass

    async def count(self) -> Counts:
        return Counts(self.steps.ends, self.steps.ends - self.lost)

    @asynccontextmanager
    async def working(self) -> AsyncGenerator[None]:
        yield


@pytest.mark.parametrize("lost", [0, -1])
def test_what_the_tables_do_not_say_is_no_result(lost: int) -> None:
    steps = Steps("", NO_OP)
    load = Load((shapes.chain(1),), 3, warm_up=1)

    async def tried() -> float:
        async with prepared(_Forgetful(steps, lost), steps, load, Ready({})) as ready:
            return (await ready.run()).seconds

    if lost:
        with pytest.raises(RuntimeError, match="1 tasks of 1 steps were submitted"):
            asyncio.run(tried())
    else:
        assert asyncio.run(tried()) > 0


def test_what_is_not_on_the_machine_is_told_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tasker_server: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for peer in BY_SET_UP:
        record = run(tasker_server, peer, Load((shapes.chain(1),), 1))
        assert record.unsupported and "make setup-benchmarks" in record.unsupported
