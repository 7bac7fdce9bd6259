"""What one run of a load on one engine came to, as data. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Cost", "Machine", "Percentiles", "Record", "Server", "percentiles"]


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of a set of times, in milliseconds."""

    p50: float
    p95: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run used, for each step. What could not be seen from here is None.

    CPU in microseconds, of the database's server with all its processes and of the executor's. `commits` as
    pg_stat_database counts them, `statements` those that a client sent, as pg_stat_statements counts them where it is
    loaded. `client_memory_mb` is the most that the executor's processes held, in all.
    """

    database_cpu_us: float | None
    client_cpu_us: float
    commits: float
    wal_bytes: float
    statements: float | None
    client_memory_mb: float


@dataclass(frozen=True, slots=True)
class Server:
    """The PostgreSQL server, and the settings that count most."""

    version: str
    fsync: str
    synchronous_commit: str
    shared_buffers: str
    max_wal_size: str


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the executor ran."""

    cpu: str
    cores: int
    memory_gb: float
    system: str


@dataclass(frozen=True, slots=True)
class Record:
    """One run. `rate` is steps a second, `task_rate` tasks a second.

    `unsupported` says why an engine could not run the scenario; the figures are then 0.
    """

    scenario: str
    executor: str
    run: int
    versions: dict[str, str]
    settings: dict[str, Any]
    server: Server
    machine: Machine
    taken_at: str
    tasks: int = 0
    steps: int = 0
    seconds: float = 0
    rate: float = 0
    task_rate: float = 0
    cost: Cost | None = None
    submit_to_start_ms: Percentiles | None = None
    submit_to_result_ms: Percentiles | None = None
    step_to_step_ms: Percentiles | None = None
    finished_tasks_before: int = 0
    raw_pgmq_rate: float | None = None
    ratio: float | None = None
    unsupported: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON; what was not measured is left out."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def percentiles(seconds: Sequence[float]) -> Percentiles | None:
    """The percentiles of times given in seconds; None of no times."""
    if not seconds:
        return None
    ordered = sorted(seconds)

    def at(share: float) -> float:
        return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)

    return Percentiles(at(0.5), at(0.95), at(0.99), round(1000 * ordered[-1], 3))
