"""How long a task takes on a system that is busy to a tenth, a half, four fifths. Touches databases and processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tasker.bench import shapes
from tasker.bench.conversation import ours
from tasker.bench.databases import fresh_database
from tasker.bench.load import Load, Steady
from tasker.bench.record import Percentiles
from tasker.bench.runner import run_load
from tasker_benchmarks.results import Figure

__all__ = ["latency_under_load"]


def latency_under_load(
    server: str, shares: Sequence[float] = (0.1, 0.5, 0.8), seconds: float = 10
) -> Iterator[Figure]:
    """First the peak of single steps, then tasks by the clock at shares of it. Times count from when a task was due."""
    shape = shapes.chain(1)
    with fresh_database(server, "latency") as database:
        peak = run_load(ours, database, Load((shape,), 20_000), scenario="peak").rate
        yield Figure("latency under load", "peak", None, peak, "tasks a second", {})
        for share in shares:
            rate = peak * share
            load = Load((shape,), int(rate * seconds), Steady(rate))
            record = run_load(ours, database, load, scenario="steady")
            settings = {"axis": "percent of the peak", "rate": rate}
            for series, times in (
                ("submit to start", record.submit_to_start_ms),
                ("submit to result", record.submit_to_result_ms),
            ):
                yield from _figures(series, 100 * share, times, settings)


def _figures(
    series: str, x: float, times: Percentiles | None, settings: Mapping[str, object]
) -> Iterator[Figure]:
    assert times is not None
    for name in ("p50", "p95", "p99"):
        value = getattr(times, name)
        yield Figure("latency under load", f"{series} {name}", x, value, "ms", settings)
