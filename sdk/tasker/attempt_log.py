"""What is logged of an attempt: by its handler, and when it failed. Touches logging."""

from __future__ import annotations

import logging

from tasker.grant import Grant
from tasker.outcome import Completed, Failed, Lost, Outcome, Released, Retried, Waiting
from tasker.step_log import StepLogger

__all__ = ["log_failure", "logger_of"]


def logger_of(grant: Grant) -> StepLogger:
    """The log of a granted step's handler."""
    template = f"{grant.definition.namespace}/{grant.definition.template}"
    return StepLogger(grant.task.task_id, template, grant.step_name, grant.attempt)


def log_failure(grant: Grant, outcome: Outcome) -> None:
    """Say what failed: the attempt alone, or the step with its last one."""
    match outcome:
        case Completed() | Released() | Waiting():
            pass
        case Failed(failure) | Retried(failure) | Lost(failure):
            last = isinstance(outcome, Failed) or grant.attempt >= grant.attempt_limit
            logger_of(grant).log(
                logging.ERROR if last else logging.WARNING,
                "%s of task %s failed in attempt %s of %s: %s: %s%s",
                grant.step_name,
                grant.task.task_id,
                grant.attempt,
                grant.attempt_limit,
                failure.type,
                failure.message,
                f"\n{failure.traceback.rstrip()}" if failure.traceback else "",
            )
