"""Compensations: what undoes a step, and what it can know of the task. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tasker.checking.graph import always_before, read_graph
from tasker.growth_types import given_shape
from tasker.step_decorator import CompensationOptions, read_retry, read_seconds
from tasker.template import Compensation, StepDefinition
from tasker.values import Shape

__all__ = ["find_sure_results", "read_compensation", "undone_shape"]


def read_compensation(
    step: StepDefinition,
    handler: str,
    taken: Sequence[str],
    options: CompensationOptions,
    subject: str,
) -> Compensation:
    """The compensation of `step` whose handler takes the results `taken`, its step's own perhaps among them.

    Raises `DefinitionError`, which begins with `subject`.
    """
    return Compensation(
        handler,
        tuple(name for name in taken if name != step.name),
        options.when,
        options.queue,
        {} if options.config is None else options.config,
        read_retry(options.retry, subject),
        read_seconds(options.timeout, f"{subject}: timeout"),
        read_seconds(options.total_timeout, f"{subject}: total_timeout"),
    )


def find_sure_results(steps: Sequence[StepDefinition], step: StepDefinition) -> frozenset[str]:
    """The steps that are done whenever `step`, which is among them, is undone."""
    started = step.compensate is not None and step.compensate.when == "started"
    before = always_before(read_graph(steps), step.name)
    return before if started else before | {step.name}


def undone_shape(step: StepDefinition, source: StepDefinition, result: Shape) -> Shape:
    """What `source`, whose handler returns `result`, gives to the compensation of `step`."""
    if source.name == step.name:
        return result
    is_item = step.kind == "batch_worker" and source.name in step.depends_on
    return given_shape(source, result, "batch_worker" if is_item else "standard")
