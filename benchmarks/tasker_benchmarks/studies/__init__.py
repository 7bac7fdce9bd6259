"""Studies of this engine: how its cost grows, and what it does at the edges. Each gives figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tasker_benchmarks.results import Figure
from tasker_benchmarks.studies.cold_start import cold_start
from tasker_benchmarks.studies.growth import connections, history, steps_per_task, workers
from tasker_benchmarks.studies.idle import idle
from tasker_benchmarks.studies.idle_transaction import idle_transaction
from tasker_benchmarks.studies.latency import latency_under_load
from tasker_benchmarks.studies.noisy import noisy_neighbour
from tasker_benchmarks.studies.recovery import recovery

__all__ = ["STUDIES", "Study"]

# Takes the URL of a server on which it may create databases.
Study = Callable[[str], Iterator[Figure]]

STUDIES: Mapping[str, Study] = {
    "steps_per_task": steps_per_task,
    "workers": workers,
    "connections": connections,
    "latency_under_load": latency_under_load,
    "cold_start": cold_start,
    "recovery": recovery,
    "noisy_neighbour": noisy_neighbour,
    "idle": idle,
    "history": history,
    "idle_transaction": idle_transaction,
}
