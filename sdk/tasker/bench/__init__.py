"""Benchmarks of this engine against any database: what `tasker bench` runs."""

from tasker.bench.idle import IdleReport, run_idle
from tasker.bench.report import Report
from tasker.bench.scenarios import run_batch, run_chain, run_fanout, run_latency

__all__ = [
    "IdleReport",
    "Report",
    "run_batch",
    "run_chain",
    "run_fanout",
    "run_idle",
    "run_latency",
]
