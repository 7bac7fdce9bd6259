"""What a benchmark found, as data. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Percentiles", "Report", "percentiles"]


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of a set of times, in milliseconds."""

    p50: float
    p95: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class Report:
    """One run. Rates are per second, times in seconds unless the name says otherwise.

    `raw_pgmq_rate` is what a bare loop of pgmq's send, read and delete did in the same run at `batch` messages a call,
    and `ratio` is `rate` over it.
    """

    scenario: str
    tasks: int
    steps: int
    seconds: float
    rate: float
    settings: dict[str, Any]
    server: str
    fsync: str
    finished_tasks_before: int
    raw_pgmq_rate: float | None = None
    ratio: float | None = None
    step_to_step_ms: Percentiles | None = None
    submit_to_start_ms: Percentiles | None = None
    submit_to_result_ms: Percentiles | None = None
    notes: tuple[str, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """As JSON; what was not measured is left out."""
        return {key: value for key, value in asdict(self).items() if value not in (None, ())}


def percentiles(seconds: Sequence[float]) -> Percentiles:
    """The percentiles of times given in seconds; at least one is needed."""
    ordered = sorted(seconds)

    def at(share: float) -> float:
        return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)

    return Percentiles(at(0.5), at(0.95), at(0.99), round(1000 * ordered[-1], 3))
