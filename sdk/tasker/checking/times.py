"""What can be said of time limits and retries: malformed ones, and those that contradict each other. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tasker.checking.codes import make_fault
from tasker.checking.graph import Graph
from tasker.durations import LONGEST, to_seconds
from tasker.errors import Fault
from tasker.policy import Retry

if TYPE_CHECKING:
    from tasker.template import Compensation, StepDefinition, Template

__all__ = [
    "find_path_time_faults",
    "find_run_time_faults",
    "find_task_time_faults",
    "find_time_fault",
]

Path = tuple[str | int, ...]

# As languages name them: CardDeclined, Shop::CardDeclined, shop.CardDeclined.
_ERROR_NAME = re.compile(r"[^\W\d]\w*(?:(?:::|\.)[^\W\d]\w*)*")
_USUAL = Retry()


def find_time_fault(path: Path, seconds: float | None) -> Iterator[Fault]:
    """What is wrong with one time limit by itself."""
    if seconds is not None and not 0 < seconds <= LONGEST:
        what = f"{path[-1]} is {seconds} seconds"
        mend = "It must be more than 0, and at most ten years."
        yield make_fault("invalid-time-limit", path, what, mend)


def find_run_time_faults(run: StepDefinition | Compensation, path: Path) -> Iterator[Fault]:
    """What can be said of the times of a step or a compensation by itself."""
    faults = [
        *find_time_fault((*path, "attempt_time_limit"), run.attempt_time_limit),
        *find_time_fault((*path, "step_time_limit"), run.step_time_limit),
    ]
    yield from faults
    yield from _check_retry(run.retry, (*path, "retry"))
    if faults or run.step_time_limit is None:
        return
    if run.attempt_time_limit is not None and run.attempt_time_limit > run.step_time_limit:
        what = (
            f"an attempt may take {run.attempt_time_limit:g} s, and all attempts together"
            f" {run.step_time_limit:g} s"
        )
        mend = "Raise the limit of the step, or lower that of an attempt."
        yield make_fault("attempt-outlasts-step", (*path, "attempt_time_limit"), what, mend)
    waited = _least_waiting(run.retry)
    if waited >= run.step_time_limit:
        what = (
            f"between {run.retry.max_attempts} attempts {waited:g} s are waited, and the step has"
            f" {run.step_time_limit:g} s"
        )
        mend = "Raise the limit of the step, or lower max_attempts or the backoff."
        yield make_fault("retries-outlast-step", (*path, "step_time_limit"), what, mend)


def find_task_time_faults(template: Template) -> Iterator[Fault]:
    """Steps whose limits are longer than the whole task's."""
    if template.time_limit is None:
        return
    for index, step in enumerate(template.steps):
        for name in ("attempt_time_limit", "step_time_limit"):
            limit: float | None = getattr(step, name)
            if limit is not None and limit > template.time_limit:
                what = f'step "{step.name}" may take {limit:g} s, and the task {template.time_limit:g} s'
                mend = "Raise the limit of the task, or lower that of the step."
                yield make_fault("step-outlasts-task", ("steps", index, name), what, mend)


def find_path_time_faults(template: Template, graph: Graph) -> Iterator[Fault]:
    """A chain of steps, each within its limits, that takes longer than the task may."""
    if template.time_limit is None:
        return
    ends: dict[str, float] = {}
    before: dict[str, str] = {}
    for name in graph.order:
        step = graph.steps[name]
        parents = [parent for parent in graph.parents[name] if parent in ends]
        if parents:
            before[name] = max(parents, key=ends.__getitem__)
        start = ends[before[name]] if parents else 0.0
        ends[name] = start + (step.step_time_limit or step.attempt_time_limit or 0.0)
    if not ends or max(ends.values()) <= template.time_limit:
        return
    last = max(ends, key=ends.__getitem__)
    chain = [last]
    while chain[-1] in before:
        chain.append(before[chain[-1]])
    if len(chain) < 2:
        return  # one step alone is another finding
    way = " → ".join(reversed(chain if len(chain) <= 6 else [*chain[:3], "…", *chain[-2:]]))
    what = f"{way} may take {ends[last]:g} s, and the task {template.time_limit:g} s"
    mend = "Where each uses all of its time, the task ends early; raise its limit if it must not."
    yield make_fault("path-outlasts-task", ("time_limit",), what, mend)


def _check_retry(retry: Retry, path: Path) -> Iterator[Fault]:
    if retry == _USUAL:
        return
    backoff = (retry.backoff, to_seconds(retry.base), to_seconds(retry.cap))
    usual = (_USUAL.backoff, to_seconds(_USUAL.base), to_seconds(_USUAL.cap))
    if retry.max_attempts == 1 and retry.backoff != "none" and backoff != usual:
        what = "there is a backoff, and only one attempt"
        yield make_fault(
            "backoff-without-retry", path, what, "Raise max_attempts, or leave it out."
        )
    for name in retry.permanent_names:
        if not _ERROR_NAME.fullmatch(name):
            what = f'"{name}" is the name of no error'
            mend = "Write the name of its class, as in CardDeclined."
            yield make_fault("impossible-error-name", (*path, "permanent_errors"), what, mend)


def _least_waiting(retry: Retry) -> float:
    """The seconds that are waited at least between all attempts of a step, whatever the jitter."""
    base, cap = to_seconds(retry.base), to_seconds(retry.cap)
    total, previous, current = 0.0, 0.0, base
    for number in range(1, retry.max_attempts):
        match retry.backoff:
            case "none":
                return 0.0
            case "fixed":
                delay = base
            case "linear":
                delay = base * number
            case "exponential":
                delay = base * 2.0 ** min(number - 1, 60)
            case "fibonacci":
                delay, previous, current = current, current, previous + current
        total += min(delay, cap)
    return total * (1 - retry.jitter)
