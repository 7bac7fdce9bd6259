"""Runs to give to a child, and what they can ask for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tasker_ffi_bridge import Bridge, End, Services, Unacceptable
from tasker_ffi_bridge.messages import (
    Checkpoint,
    Execute,
    Log,
    Progress,
    StartTask,
)

COMMAND = (sys.executable, str(Path(__file__).with_name("child.py")))
_numbers = count(1)


def execute(handler: str, input: Any = None, key: str = "t:1") -> Execute:
    return make_execute(f"run {next(_numbers)}", handler, input, key=key)


def make_execute(
    run: str,
    handler: str,
    input: Any,
    *,
    task_id: str = "t",
    key: str,
    attempt: int = 1,
    deadline: float | None = None,
    results: Mapping[str, Any] | None = None,
    saved: Mapping[str, Any] | None = None,
) -> Execute:
    """One attempt of one step, named as its handler is."""
    return {
        "run": run,
        "handler": handler,
        "task": {
            "id": task_id,
            "namespace": "shop",
            "template": "order_processing",
            "version": "1.0.0",
            "input": input,
            "context": {},
            "correlation_id": None,
            "tags": [],
        },
        "step": {
            "name": handler,
            "number": 1,
            "kind": "standard",
            "config": {},
            "attempt": attempt,
            "max_attempts": 5,
            "idempotency_key": key,
            "deadline": deadline,
        },
        "results": results or {},
        "saved": saved or {},
        "undoes": None,
        "trace": None,
    }


@dataclass(frozen=True)
class Calls:
    """What a run can ask for, as functions."""

    progress: Callable[[Progress], None]
    checkpoint: Callable[[Checkpoint], Awaitable[bool]]
    start_task: Callable[[StartTask], Awaitable[str | None]]
    log: Callable[[Log], None]


class Asked:
    """Notes what is asked for, and gives what it was told to give."""

    def __init__(self, saved: bool = True, task_id: str | None = "child") -> None:
        self.heard: list[Progress | Checkpoint | StartTask | Log] = []
        self.saved = saved
        self.task_id = task_id

    def services(self) -> Services:
        async def checkpoint(what: Checkpoint) -> bool:
            self.heard.append(what)
            return self.saved

        async def start_task(what: StartTask) -> str | None:
            self.heard.append(what)
            if what.template == "no/such":
                raise Unacceptable("there is no template no/such")
            return self.task_id

        return Calls(self.heard.append, checkpoint, start_task, self.heard.append)


NOTHING = Asked().services()


async def run_in(bridge: Bridge, execute: Execute, services: Services = NOTHING) -> End:
    """Run it in the bridge's child, and wait for its end; who is cancelled leaves it."""
    ended: asyncio.Future[End] = asyncio.get_running_loop().create_future()
    run = bridge.begin(execute, services, ended.set_result)
    try:
        return await ended
    except asyncio.CancelledError:
        bridge.leave(run, "cancelled")
        raise
