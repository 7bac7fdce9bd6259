"""What a handler can know about its attempt."""

from __future__ import annotations

import dataclasses
import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tasker import StepContext
from tasker.context import Progress
from tasker.step_log import describe_fields

TASK = UUID(int=7)


def context(**fields: object) -> StepContext:
    return StepContext(
        task_id=TASK,
        namespace="shop",
        template="order",
        version="1",
        step_name="pay",
        **fields,  # type: ignore[arg-type]
    )


def test_the_idempotency_key_is_the_same_on_every_attempt() -> None:
    keys = {context(step_no=2, attempt=attempt).idempotency_key for attempt in (1, 2, 3)}
    assert keys == {f"{TASK}:2"}
    assert context(step_no=3).idempotency_key not in keys


def test_the_worker_says_through_an_event_that_the_attempt_should_stop() -> None:
    event = threading.Event()
    ctx = context(cancellation=event)
    assert not ctx.cancelled
    event.set()
    assert ctx.cancelled


def test_contexts_do_not_share_their_event_or_their_mappings() -> None:
    one, other = context(), context()
    one.cancellation.set()
    assert not other.cancelled
    assert one.results is not other.results


def test_progress_goes_where_the_worker_wants_it() -> None:
    seen: list[Progress] = []
    ctx = context(report=seen.append)
    ctx.progress(3, 10, "rows")
    ctx.progress(4)
    assert seen == [Progress(3, 10, "rows"), Progress(4, None, None)]


def test_a_context_made_by_hand_is_a_first_and_only_attempt() -> None:
    ctx = context()
    assert (ctx.step_no, ctx.attempt, ctx.max_attempts) == (1, 1, 1)
    assert (ctx.config, ctx.results, ctx.tags, ctx.deadline) == ({}, {}, (), None)


def test_progress_outside_a_worker_goes_nowhere() -> None:
    context().progress(1, 2)


def test_the_remaining_time_runs_out_and_stays_out() -> None:
    now = datetime.now(UTC)
    assert context().remaining() is None
    ahead = context(deadline=now + timedelta(minutes=1)).remaining()
    assert ahead is not None
    assert 50 < ahead <= 60
    assert context(deadline=now - timedelta(minutes=1)).remaining() == 0.0


def test_log_records_carry_the_ids(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="tasker.handler"):
        context(attempt=2).logger.info("charged %s", 3)
    (record,) = caplog.records
    fields = {name: getattr(record, name) for name in ("task_id", "template", "step", "attempt")}
    assert fields == {"task_id": str(TASK), "template": "shop/order", "step": "pay", "attempt": 2}
    assert record.getMessage() == "charged 3"


def test_log_records_carry_what_a_handler_gives_and_lose_nothing_of_their_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    given = {"cents": 5, "name": "ada", "step": 7, "taskName": None}
    with caplog.at_level(logging.INFO, logger="tasker.handler"):
        context().logger.info("charged", extra=given)
    (record,) = caplog.records
    assert (record.name, vars(record)["step"]) == ("tasker.handler", "pay")
    whose = f'step="pay" attempt=1 task_id="{TASK}"'
    assert describe_fields(record) == f' cents=5 name_="ada" step_=7 taskName_=null {whose}'


def test_fields_that_are_no_json_are_written_all_the_same() -> None:
    circle: list[Any] = []
    circle.append(circle)
    record = logging.makeLogRecord({"circle": circle, "odd": {(1, 2): TASK}, "task": TASK})
    odd = f"{{(1, 2): {TASK!r}}}"
    assert describe_fields(record) == f' circle=[[...]] odd={odd} task="{TASK}"'


def test_a_context_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        context().attempt = 2  # type: ignore[misc]
