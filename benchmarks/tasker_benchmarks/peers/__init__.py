"""Rivals as executors: the same load, each by its own idiom, tuned as its own guides say (docs/benchmarks.md).

`PEERS` are those by name. Each module is one engine, run as a program; one whose parts are not on this machine says so.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from tasker.bench.conversation import Executor

__all__ = ["PEERS"]

# Each with its module and arguments, and its part of a scenario's tasks, so that each runs for some seconds.
_PROGRAMS = {
    "absurd": ("absurd", 0.2),
    "dbos": ("dbos", 0.1),
    "pgflow": ("pgflow", 0.2),
    "pgqueuer": ("pgqueuer asyncpg", 1.0),
    "pgqueuer_psycopg": ("pgqueuer psycopg", 0.5),
    "procrastinate": ("procrastinate", 0.2),
    "skip_locked": ("skip_locked", 1.0),
    "temporal": ("temporal", 0.05),
}

PEERS: Mapping[str, Executor] = {
    name: Executor(
        name, (sys.executable, "-m", *f"tasker_benchmarks.peers.{program}".split()), share
    )
    for name, (program, share) in _PROGRAMS.items()
}
