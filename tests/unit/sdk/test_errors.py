"""The tree of errors, and what they carry."""

from __future__ import annotations

import inspect
import re
from datetime import timedelta
from uuid import UUID

import pytest

from tasker import errors
from tasker.errors import (
    ConflictError,
    ContractError,
    NotFoundError,
    PermanentError,
    RequestError,
    RetryableError,
    StepFailure,
    TaskCancelled,
    TaskerError,
    TaskFailed,
    TemplateError,
    TemplateFinding,
)
from tasker_grammar.contracts import Finding

TASK = UUID(int=7)


def test_the_tree_is_the_one_that_is_drawn() -> None:
    drawn: dict[str, str] = {}
    branch: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(
            r"^((?:[│ ]   |[├└]── )*)"
            r"([A-Z]\w+(?:Error|Unavailable|Failed|Cancelled|TimedOut|Refused|Rejected))\b",
            line,
        )
        if match:
            depth = len(match[1]) // 4
            branch = [*branch[:depth], match[2]]
            drawn[match[2]] = branch[-2] if depth else "Exception"
    real = {
        name: cls.__base__.__name__
        for name, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, TaskerError) and cls.__base__ is not None
    }
    assert drawn == real


def test_everything_public_is_exported() -> None:
    public = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and value.__module__ == errors.__name__
    }
    assert public == set(errors.__all__)


@pytest.mark.parametrize(
    ("given", "seconds"), [(None, None), (1.5, 1.5), ("2m", 120.0), (timedelta(seconds=3), 3.0)]
)
def test_a_retryable_error_says_when(given: float | str | timedelta | None, seconds: float) -> None:
    error = RetryableError("busy", retry_after=given)
    assert (str(error), error.retry_after) == ("busy", seconds)


def test_a_retryable_error_refuses_nonsense() -> None:
    with pytest.raises(ValueError, match="no duration"):
        RetryableError("busy", retry_after="later")


def test_a_contract_error_is_permanent_and_names_its_findings() -> None:
    findings = [Finding("$.a", "is required"), Finding("$.b", "is no text")]
    error = ContractError("the task's input", findings)
    assert isinstance(error, PermanentError)
    assert str(error) == "the task's input: at $.a: is required; at $.b: is no text"
    assert (error.subject, error.findings) == ("the task's input", tuple(findings))


def test_a_refused_request_has_a_message_and_a_hint() -> None:
    error = ConflictError("version 1 is registered", "Give it a new version.")
    assert str(error) == "version 1 is registered. Give it a new version."
    assert (error.message, error.hint) == ("version 1 is registered", "Give it a new version.")
    assert str(NotFoundError("no task 7")) == "no task 7"


def test_the_sqlstates_differ() -> None:
    states = [cls.sqlstate for cls in RequestError.__subclasses__()]
    assert sorted(states) == ["TK001", "TK002", "TK003", "TK004"]


def test_a_failed_task_names_its_failed_steps() -> None:
    failures = [StepFailure("pay", "CardDeclined", "no"), StepFailure("ship", "Timeout", "late")]
    error = TaskFailed(TASK, "blocked_by_failures", failures, "nothing can run")
    assert str(error) == (
        f"task {TASK} is in state blocked_by_failures: nothing can run\n"
        "  pay: CardDeclined: no\n  ship: Timeout: late"
    )
    assert (error.task_id, error.state, error.errors) == (
        TASK,
        "blocked_by_failures",
        tuple(failures),
    )


def test_a_cancelled_task_gives_the_reason_if_there_is_one() -> None:
    assert str(TaskCancelled(TASK, "not wanted")) == f"task {TASK} was cancelled: not wanted"
    assert str(TaskCancelled(TASK)) == f"task {TASK} was cancelled"


def test_a_template_error_has_one_line_for_each_finding() -> None:
    findings = [
        TemplateFinding((), "it is wrong", "Mend it.", "cycle", "error", "a.yaml", 3),
        TemplateFinding((), "x", "y", "cycle", "error", "b", 1),
    ]
    assert str(TemplateError(findings)) == (
        "a.yaml:3: error: it is wrong. Mend it. [cycle]\nb:1: error: x. y [cycle]"
    )
