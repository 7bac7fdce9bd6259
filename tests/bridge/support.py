"""Runs to give to a child, and what they can ask for."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path
from typing import Any

from tasker_ffi_bridge import Services, Unacceptable
from tasker_ffi_bridge.messages import (
    Checkpoint,
    Execute,
    Log,
    Progress,
    StartTask,
    StepFacts,
    TaskFacts,
)

COMMAND = (sys.executable, str(Path(__file__).with_name("child.py")))
_numbers = count(1)


def execute(handler: str, input: Any = None, **more: Any) -> Execute:
    task = TaskFacts("t", "n", "flow", "1", input, {}, None, ())
    step = StepFacts(handler, 1, "standard", {}, 1, 3, "t:1", None)
    return Execute(f"run {next(_numbers)}", handler, task, step, {}, {}, **more)


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

        return Services(self.heard.append, checkpoint, start_task, self.heard.append)


NOTHING = Asked().services()
