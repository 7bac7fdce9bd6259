"""Benchmarks of this engine against any database: what `tasker bench` runs, and what other engines are held against."""

from tasker.bench.idle import IdleReport, run_idle
from tasker.bench.record import Record
from tasker.bench.runner import run_load
from tasker.bench.scenarios import scenarios

__all__ = ["IdleReport", "Record", "run_idle", "run_load", "scenarios"]
