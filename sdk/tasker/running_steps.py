"""The steps that run in a worker: how they are interrupted, and left behind where they do not let themselves be.
Touches the handlers, to interrupt them.

Model: a step runs until it is settled, or until nobody waits for it any more. One whose handler goes on all the same is
left behind: it keeps the process from ending by itself, but nobody from stopping.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import anyio

from tasker.claimer import Claimer
from tasker.executor import Running
from tasker.foreign_run import ForeignRun
from tasker.grant import Grant, describe_failure
from tasker.outcome import Released

__all__ = ["RunningSteps"]

_log = logging.getLogger(__name__)

_LAST_WAIT = 3.0  # seconds that an interrupted handler has to clean up, before it is left behind


class RunningSteps:
    """What is under way in a worker, by its grant."""

    def __init__(self) -> None:
        self._running: dict[int, Running | ForeignRun] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._left: list[Running] = []

    def begin(
        self, step: Coroutine[Any, Any, None], broken: Callable[[BaseException], None]
    ) -> None:
        """Run a step's coroutine. `broken` is told what it raises, which is a fault of the worker."""

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                broken(error)

        # Not in a task group: that would wait for a handler that cannot be interrupted.
        task = asyncio.create_task(step)
        self._tasks.add(task)
        task.add_done_callback(ended)

    def add(self, running: Running | ForeignRun) -> None:
        """Wait for it from now on."""
        self._running[id(running.grant)] = running

    def remove(self, grant: Grant) -> bool:
        """Wait for it no more; whether anybody did."""
        return self._running.pop(id(grant), None) is not None

    def leave(self, running: Running) -> None:
        """Remember one for which nobody waits although its handler runs on."""
        self._left.append(running)

    def reported(self, grant: Grant) -> Mapping[str, Any] | None:
        """The progress that it has told of."""
        running = self._running.get(id(grant))
        return running.reported if running else None

    @property
    def left_behind(self) -> tuple[str, ...]:
        """The handlers that still run although nobody waits for them, as "step of task ID"."""
        return tuple(_describe(running) for running in self._left if running.busy)

    def revoke(self, grant: Grant, cancelled: bool) -> None:
        """Interrupt it: its step was cancelled, or granted to another worker."""
        running = self._running.get(id(grant))
        if running is not None:
            why = "its step was cancelled" if cancelled else "its lease was lost"
            _log.warning(
                "interrupting %s of task %s: %s", grant.definition.name, grant.task.task_id, why
            )
            running.revoke("cancelled" if cancelled else "lease_lost")

    async def drain(self, claimer: Claimer, grace: float) -> None:
        """Let what runs end within `grace` seconds, interrupt the rest, and give back what does not end then."""
        claimer.drain()
        await anyio.sleep(grace)
        self._revoke_all()
        await anyio.sleep(_LAST_WAIT)
        for running in self._leave_behind():
            stuck = describe_failure(
                "Interrupted", "the handler does not let itself be interrupted"
            )
            claimer.settle(running.grant, Released(stuck, delay=0))

    async def dismiss(self) -> None:
        """See to it that no handler is waited for any more: those that still run are interrupted, or left behind."""
        self._revoke_all()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            with anyio.CancelScope(shield=True):
                await asyncio.wait(self._tasks, timeout=_LAST_WAIT if self._running else 0)
        self._leave_behind()
        for name in self.left_behind:
            _log.warning("left behind, because it does not end: %s", name)

    def _revoke_all(self) -> None:
        for running in list(self._running.values()):
            running.revoke("stopping")

    def _leave_behind(self) -> list[Running]:
        stuck = [one for one in self._running.values() if isinstance(one, Running)]
        self._running.clear()
        self._left.extend(stuck)
        return stuck


def _describe(running: Running) -> str:
    return f"{running.grant.step_name} of task {running.grant.task.task_id}"
