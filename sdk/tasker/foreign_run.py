"""One attempt in a bridge's child, from its grant to its outcome. Touches the child through its bridge; asyncio only.

Model: an attempt has no task of its own. It is begun, and ends in a call: the bridge tells what it came to, its time is
up, or it is revoked, whichever comes first.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from opentelemetry.trace import Span

from tasker import telemetry
from tasker.attempt_log import log_failure, logger_of
from tasker.children import NewChild
from tasker.context import Progress
from tasker.errors import ContractError, PermanentError
from tasker.foreign import ForeignStep
from tasker.grant import Grant, describe_failure, describe_progress
from tasker.outcome import Outcome, Released, Retried
from tasker.seams import SaveStep, StartStepChild
from tasker.values import Shape
from tasker_ffi_bridge import End, Run, Unacceptable, messages

__all__ = ["ForeignRun"]

_LEVELS = logging.getLevelNamesMapping()


class ForeignRun:
    """A grant under way in a child: what that may ask of the worker meanwhile, and how to interrupt it.

    `settle` is told the outcome, once.
    """

    __slots__ = (
        "_began",
        "_run",
        "_save",
        "_settle",
        "_span",
        "_start",
        "_step",
        "_timer",
        "grant",
        "reported",
    )

    def __init__(
        self,
        grant: Grant,
        step: ForeignStep,
        save: SaveStep,
        start: StartStepChild,
        settle: Callable[[Grant, Outcome], None],
    ) -> None:
        self.grant = grant
        self.reported: dict[str, Any] | None = None
        self._step = step
        self._save = save
        self._start = start
        self._settle = settle
        self._run: Run | None = None
        self._span: Span | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._began = time.perf_counter()

    def begin(self, traced: bool) -> None:
        """Have the child run it, when that has room. `traced`: whether the attempt gets a span."""
        grant, bridge = self.grant, self._step.bridge
        if traced:
            self._span = telemetry.start_step_span(grant)
        unfit = self._step.check_input(grant)
        if unfit is not None:
            self._end(unfit)
            return
        limit = grant.definition.attempt_time_limit
        if limit is not None:
            self._timer = asyncio.get_running_loop().call_later(limit, self._time_out, limit)
        trace = None if self._span is None else telemetry.trace_context(self._span)
        execute = self._step.execute(bridge.new_run(), grant, trace)
        self._run = bridge.begin(execute, self, self._take)

    def revoke(self, reason: messages.CancelReason) -> None:
        """Have it stopped: the step was cancelled, or granted to another worker, or the worker stops."""
        interrupted = describe_failure("Interrupted", "the handler was interrupted")
        self._leave(Released(interrupted, delay=0), reason)

    def progress(self, progress: messages.Progress) -> None:
        """As the bridge's services do it."""
        made = Progress(progress.done, progress.total, progress.note)
        self.reported = describe_progress(made)

    async def checkpoint(self, what: messages.Checkpoint) -> bool:
        """As the bridge's services do it."""
        try:
            data = Shape(f"checkpoint {what.name}").dump(what.value)
        except ContractError as error:
            raise Unacceptable(str(error)) from error
        return await self._save(self.grant, what.name, data, what.replace)

    async def start_task(self, what: messages.StartTask) -> str | None:
        """As the bridge's services do it."""
        child = NewChild(
            what.name,
            what.template,
            what.input,
            what.version,
            what.on_parent_end,
            what.priority,
            what.tags,
            what.context,
        )
        try:
            started = await self._start(self.grant, child)
        except PermanentError as error:
            raise Unacceptable(str(error)) from error
        return None if started is None else str(started)

    def log(self, log: messages.Log) -> None:
        """As the bridge's services do it."""
        level = _LEVELS[log.level.upper()]
        logger_of(self.grant).log(level, "%s", log.message, extra=log.fields)

    def _take(self, came_to: End) -> None:
        self._end(self._step.read(came_to))

    def _time_out(self, limit: float) -> None:
        late = f"the attempt ran past its time limit of {limit:g} s"
        self._leave(Retried(describe_failure("AttemptTimedOut", late)), "timed_out")

    def _leave(self, outcome: Outcome, reason: messages.CancelReason) -> None:
        """End it here; the child is told to stop, and nobody waits for what it says."""
        if self._run is not None:
            self._step.bridge.leave(self._run, reason)
        self._end(outcome)

    def _end(self, outcome: Outcome) -> None:
        if self._timer is not None:
            self._timer.cancel()
        telemetry.step_ended(self.grant, outcome, time.perf_counter() - self._began, self._span)
        if self._span is not None:
            self._span.end()
        log_failure(self.grant, outcome)
        self._settle(self.grant, outcome)
