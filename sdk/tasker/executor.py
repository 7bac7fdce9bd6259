"""Runs one granted step to its outcome. Touches the handler, and what the handler touches."""

from __future__ import annotations

import asyncio
import math
import time
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import anyio
import anyio.to_thread
import psycopg

from tasker import telemetry
from tasker.attempt_log import log_failure
from tasker.binding import BoundHandler
from tasker.children import StartChild
from tasker.context import Progress, StepContext
from tasker.durable import Durable, Left, Save
from tasker.errors import PermanentError, RetryableError
from tasker.grant import (
    Grant,
    describe_error,
    describe_failure,
    describe_progress,
    encode_outcome,
)
from tasker.outcome import Completed, Failed, Failure, Outcome, Released, Retried
from tasker.transactions import Pools, Transaction
from tasker_ffi_bridge.messages import CancelReason

if TYPE_CHECKING:
    from tasker_grammar.resources import Resources

__all__ = ["Running", "commit", "execute"]

_NO_SPAN = nullcontext()


class Running:
    """A grant under way: its handler's context, its progress, and how to interrupt it."""

    __slots__ = ("busy", "context", "grant", "reported", "scope", "traced", "transaction")

    def __init__(
        self,
        grant: Grant,
        save: Save,
        start: StartChild,
        pools: Pools | None = None,
        traced: bool = False,
        resources: Resources | None = None,
    ) -> None:
        self.grant = grant
        self.traced = traced  # whether the attempt gets a span
        self.scope: asyncio.Timeout | None = None  # while the handler is waited for
        self.reported: dict[str, Any] | None = None  # its progress
        self.busy = False  # whether the handler itself runs, also when nobody waits for it any more
        self.transaction = Transaction(pools, grant.lease)
        durable = Durable(grant.saved, save, start)
        self.context = _context(grant, self._report, durable, self.transaction, resources)

    def revoke(self, _reason: CancelReason) -> None:
        """Tell the handler to stop; one in Python is not told why."""
        self.context.cancellation.set()
        if self.scope is not None and not self.scope.expired():
            self.scope.reschedule(-math.inf)

    def _report(self, progress: Progress) -> None:
        self.reported = describe_progress(progress)


async def execute(
    running: Running, handler: BoundHandler, threads: anyio.CapacityLimiter
) -> Outcome:
    """Run the handler on its input and return what it came to. Raises nothing but cancellation from outside."""
    grant = running.grant
    started = time.perf_counter()
    with telemetry.step_span(grant) if running.traced else _NO_SPAN as span:
        outcome = await _attempt(running, handler, threads)
        telemetry.step_ended(grant, outcome, time.perf_counter() - started, span)
    log_failure(grant, outcome)
    return outcome


async def _attempt(
    running: Running, handler: BoundHandler, threads: anyio.CapacityLimiter
) -> Outcome:
    limit = running.grant.definition.attempt_time_limit
    try:
        async with asyncio.timeout(limit) as running.scope:
            if not running.context.cancelled:
                return await _outcome(running, running.scope, handler, threads)
    except TimeoutError:
        pass  # of the scope, because those of the handler are outcomes
    finally:
        running.scope = None
    if running.context.cancelled:
        return Released(describe_failure("Interrupted", "the handler was interrupted"), delay=0)
    running.context.cancellation.set()
    late = f"the attempt ran past its time limit of {limit:g} s"
    return Retried(describe_failure("AttemptTimedOut", late))


async def _outcome(
    running: Running, scope: asyncio.Timeout, handler: BoundHandler, threads: anyio.CapacityLimiter
) -> Outcome:
    try:
        return handler.complete(await _call(handler, running, threads))
    except Left as left:
        return left.outcome
    except RetryableError as error:
        return Retried(_describe(error), error.retry_after)
    except PermanentError as error:
        return Failed(_describe(error))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # Whatever a handler raises ends its attempt and nothing else; but who interrupts it is obeyed.
        if scope.expired() and not isinstance(error, Exception | SystemExit):
            raise
        return Retried(_describe(error))


async def commit(running: Running, done: Completed) -> Outcome:
    """Commit what the handler wrote, and its outcome with it. One that is not taken is to be handed in without that."""
    try:
        committed = await running.transaction.commit(encode_outcome(running.grant, done))
    except psycopg.Error as error:
        return Retried(_describe(error))
    return replace(done, committed=committed)


async def _call(handler: BoundHandler, running: Running, threads: anyio.CapacityLimiter) -> Any:
    arguments = handler.bind(running.context)
    if handler.is_async:
        running.busy = True
        try:
            return await handler.function(**arguments)
        finally:
            running.busy = False

    def call() -> Any:
        running.busy = True
        try:
            return handler.function(**arguments)
        finally:
            running.busy = False

    return await anyio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=threads)


def _describe(error: BaseException) -> Failure:
    """The error as it is stored; the frames of this module, which say nothing to the handler's author, left out."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return describe_error(error, traceback.format_exception(type(error), error, trace))


def _context(
    grant: Grant,
    report: Callable[[Progress], None],
    durable: Durable,
    database: Transaction,
    resources: Resources | None,
) -> StepContext:
    task, definition = grant.task, grant.definition
    return StepContext(
        task_id=UUID(task.task_id),
        namespace=definition.namespace,
        template=definition.template,
        version=definition.version,
        step_name=grant.step_name,
        step_no=grant.step_no,
        attempt=grant.attempt,
        max_attempts=grant.attempt_limit,
        deadline=None if grant.deadline is None else datetime.fromtimestamp(grant.deadline, UTC),
        config=definition.config,
        task_input=task.input,
        task_context=task.context,
        results=grant.results,
        undoes=grant.undoes,
        correlation_id=None if task.correlation_id is None else UUID(task.correlation_id),
        tags=task.tags,
        report=report,
        durable=durable,
        database=database,
        resources=resources,
        kind=definition.kind,
    )
