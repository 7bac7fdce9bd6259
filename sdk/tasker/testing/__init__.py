"""Tests of tasks on the real engine. pytest finds the fixtures `tasker` and `async_tasker` by itself.

Importing this loads nothing else of Tasker until one of its names is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasker.testing.calls import Call
    from tasker.testing.clock import AsyncClock
    from tasker.testing.faults import Faults
    from tasker.testing.kit import AsyncTasker
    from tasker.testing.sync_kit import Clock, Task, Tasker
    from tasker.testing.task import AsyncTask, TaskNotEnded

__all__ = [
    "AsyncClock",
    "AsyncTask",
    "AsyncTasker",
    "Call",
    "Clock",
    "Faults",
    "Task",
    "TaskNotEnded",
    "Tasker",
]

_MODULES = {
    "AsyncClock": "clock",
    "AsyncTask": "task",
    "AsyncTasker": "kit",
    "Call": "calls",
    "Clock": "sync_kit",
    "Faults": "faults",
    "Task": "sync_kit",
    "TaskNotEnded": "task",
    "Tasker": "sync_kit",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'tasker.testing' has no attribute {name!r}")
    return getattr(importlib.import_module(f"tasker.testing.{_MODULES[name]}"), name)
