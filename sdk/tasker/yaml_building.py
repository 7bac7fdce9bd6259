"""Builds a template from the fields of its YAML. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tasker.checking import check, make_fault
from tasker.durations import to_seconds
from tasker.errors import DefinitionError, Fault
from tasker.limits import Limit
from tasker.policy import BatchPolicy, Bounds, OnFailure, Retry
from tasker.template import Compensation, StepDefinition, Template
from tasker.yaml_fields import (
    CompensationFields,
    LimitFields,
    RetryFields,
    StepFields,
    TemplateFields,
)

if TYPE_CHECKING:
    from tasker.vocabulary import Vocabulary

__all__ = ["build_template"]

Path = tuple[str | int, ...]

_ON_FAILURE: dict[str, OnFailure] = {
    "continue_on_failure": "continue",
    "fail_fast": "fail_task",
    "isolate": "wait",
}
_USUAL_CAP = to_seconds(Retry().cap)


def build_template(
    fields: TemplateFields,
    handlers: Collection[str] | None = None,
    vocabulary: Vocabulary | None = None,
) -> tuple[Template | None, list[Fault]]:
    """The template, if one can be made, and all that the checker says about it.

    `handlers`: the names of those that workers have, where they are known. `vocabulary`: what compositions may name;
    by default no resources, and the compositions that come with Tasker.
    """
    minutes = fields.lifecycle.max_duration_minutes
    faults: list[Fault] = []
    steps = [_build_step(index, step, faults) for index, step in enumerate(fields.steps)]
    steps = _compile_compositions(fields, steps, vocabulary, faults)
    steps = _compile_fragments(fields, steps, vocabulary)
    try:
        template = Template(
            namespace=fields.namespace_name,
            name=fields.name,
            version=fields.version,
            steps=tuple(steps),
            description=fields.description,
            input_schema=fields.input_schema,
            time_limit=None if minutes is None else minutes * 60,
            metadata=fields.metadata,
            on_failure=fields.on_failure,
            expansion=Bounds(fields.expansion.max_steps, fields.expansion.max_depth),
            limits=_build_limits((), fields.limits, faults),
        )
    except DefinitionError as error:
        return None, [*faults, *error.faults]
    return template, [*faults, *check(template, handlers)]


def _compile_compositions(
    fields: TemplateFields,
    steps: list[StepDefinition],
    vocabulary: Vocabulary | None,
    faults: list[Fault],
) -> list[StepDefinition]:
    """The steps, with those that are compositions compiled."""
    if not any(step.runs_composition for step in fields.steps):
        return steps
    from tasker.actions.programs import Written
    from tasker.composition_steps import compile_steps
    from tasker.vocabulary import Vocabulary

    written = {
        step.name: Written(step.composition, step.arguments, step.input or ".input")
        for step in fields.steps
        if step.runs_composition
    }
    known = Vocabulary() if vocabulary is None else vocabulary
    compiled, found = compile_steps(steps, written, fields.input_schema, known)
    faults += found
    return compiled


def _compile_fragments(
    fields: TemplateFields, steps: list[StepDefinition], vocabulary: Vocabulary | None
) -> list[StepDefinition]:
    """The steps, with those at which fragments grow filled in, and the steps of fragments behind all others."""
    places = {step.name: step.fragment for step in fields.steps if step.fragment is not None}
    if not places:
        return steps
    from tasker.growing import fragment_steps, let_propose, make_place
    from tasker.vocabulary import Vocabulary
    from tasker_grammar.composition import Bounds as FragmentBounds

    known = (Vocabulary() if vocabulary is None else vocabulary).compositions
    own: list[StepDefinition] = []
    behind: list[StepDefinition] = []
    for step in steps:
        given = places.get(step.name)
        if given is None or step.kind != "dynamic":
            own.append(step)
            continue
        written = given.model_dump(include=set(FragmentBounds.model_fields))
        bounds = FragmentBounds.model_validate(written)
        place = make_place(
            bounds, fields.input_schema, step.result_schema, given.rejected == "retry", known
        )
        each, whole = fragment_steps(
            step.name, place, step.retry, step.attempt_time_limit, step.queue
        )
        own.append(replace(whole, description=step.description))
        behind.append(each)
    return let_propose([*own, *behind])


def _build_step(index: int, fields: StepFields, faults: list[Fault]) -> StepDefinition:
    return StepDefinition(
        name=fields.name,
        handler=fields.handler.full_name,
        kind=fields.kind,
        depends_on=tuple(fields.depends_on),
        config=fields.handler.initialization,
        description=fields.description,
        retry=_build_retry(("steps", index, "retry"), fields.retry, faults),
        attempt_time_limit=fields.timeout_seconds,
        step_time_limit=fields.total_timeout_seconds,
        queue=fields.queue,
        input_schema=fields.input_schema,
        result_schema=fields.result_schema,
        batch=BatchPolicy(
            fields.batch_config.parallelism, _ON_FAILURE[fields.batch_config.failure_strategy]
        ),
        compensate=_build_compensation(index, fields.compensate, faults),
        expands=tuple(fields.expands),
        limits=_build_limits(("steps", index), fields.limits, faults),
    )


def _build_compensation(
    index: int, fields: CompensationFields | None, faults: list[Fault]
) -> Compensation | None:
    if fields is None:
        return None
    return Compensation(
        handler=fields.handler.full_name,
        takes=None if fields.takes is None else tuple(fields.takes),
        when=fields.when,
        queue=fields.queue,
        config=fields.handler.initialization,
        retry=_build_retry(("steps", index, "compensate", "retry"), fields.retry, faults),
        attempt_time_limit=fields.timeout_seconds,
        step_time_limit=fields.total_timeout_seconds,
    )


def _build_limits(
    path: Path, fields: Sequence[LimitFields], faults: list[Fault]
) -> tuple[Limit, ...]:
    made = [
        _build_limit((*path, "limits", index), each, faults) for index, each in enumerate(fields)
    ]
    return tuple(limit for limit in made if limit is not None)


def _build_limit(path: Path, fields: LimitFields, faults: list[Fault]) -> Limit | None:
    try:
        return Limit(
            name=fields.name,
            key=fields.key,
            unit=fields.unit,
            concurrency=fields.concurrency,
            rate=fields.rate,
            period=fields.period_seconds,
        )
    except DefinitionError as error:
        mend = "A limit has a concurrency, a rate or a key."
        faults.append(make_fault("invalid-limit", path, str(error), mend))
        return None


def _build_retry(path: Path, fields: RetryFields, faults: list[Fault]) -> Retry:
    base = fields.backoff_base_ms / 1000
    cap = max(base, _USUAL_CAP) if fields.max_backoff_ms is None else fields.max_backoff_ms / 1000
    # The first attempt is always made: with max_attempts 0 there is just no other.
    attempts = max(fields.max_attempts, 1) if fields.retryable else 1
    try:
        return Retry(attempts, fields.backoff, base, cap, fields.jitter, fields.permanent_errors)
    except DefinitionError as error:
        mend = "Give times in milliseconds."
        faults.append(make_fault("invalid-retry", path, str(error), mend))
        return Retry()
