"""Loads templates from YAML: Tasker's own TaskTemplate format. Reads the files it is given.

What is wrong is collected and raised at once, each finding with its file and line and how to mend
it. What is merely without effect is a warning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from tasker.durations import to_seconds
from tasker.errors import DefinitionError, Fault, TemplateError, TemplateFinding
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
from tasker.yaml_findings import Place
from tasker.yaml_source import Document, Path, read_documents

__all__ = ["LoadedTemplate", "load_templates", "parse_templates"]

_ON_FAILURE: dict[str, OnFailure] = {
    "continue_on_failure": "continue",
    "fail_fast": "fail_task",
    "isolate": "wait",
}
_USUAL_CAP = to_seconds(Retry().cap)
_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class LoadedTemplate:
    """A template, the file it came from, and what in it has no effect."""

    template: Template
    warnings: tuple[TemplateFinding, ...]
    file: str


def load_templates(path: str | FilePath, *, environment: str | None = None) -> list[LoadedTemplate]:
    """The templates in a YAML file, or in all YAML files below a directory, in file order.

    With `environment`, what the templates say under `environments` for it is applied. Raises
    `TemplateError` with everything that is wrong, in whichever file.
    """
    given = FilePath(path)
    files = [given]
    findings: list[TemplateFinding] = []
    try:
        if given.is_dir():
            files = sorted(file for file in given.rglob("*") if file.suffix in _SUFFIXES)
    except OSError as error:
        raise TemplateError([_unreadable(given, error.strerror)]) from error
    loaded: list[LoadedTemplate] = []
    for file in files:
        try:
            loaded += parse_templates(_read(file), file=str(file), environment=environment)
        except TemplateError as error:
            findings += error.findings
    if not files:
        findings.append(TemplateFinding(str(given), 1, "there is no YAML file below", "Add one."))
    if findings:
        raise TemplateError(findings)
    return loaded


def parse_templates(
    text: str, *, file: str = "<text>", environment: str | None = None
) -> list[LoadedTemplate]:
    """The templates in a YAML text, one per document. `file` is what messages call it.

    Raises `TemplateError` with everything that is wrong.
    """
    documents = [d for d in read_documents(text) if d.data is not None or d.problems]
    findings: list[TemplateFinding] = []
    loaded: list[LoadedTemplate] = []
    for document in documents:
        outcome = _load(Place(file, document), environment)
        if isinstance(outcome, LoadedTemplate):
            loaded.append(outcome)
        else:
            findings += outcome
    if not documents:
        findings.append(TemplateFinding(file, 1, "there is no template in it", "Write one."))
    if findings:
        raise TemplateError(findings)
    return loaded


def _read(file: FilePath) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise TemplateError([_unreadable(file, "it is not UTF-8")]) from error
    except (OSError, ValueError) as error:  # the latter where a name holds a NUL
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise TemplateError([_unreadable(file, why)]) from error


def _unreadable(path: FilePath, why: str | None) -> TemplateFinding:
    return TemplateFinding(str(path), 1, f"it cannot be read: {why}", "Name a YAML file.")


def _load(place: Place, environment: str | None) -> LoadedTemplate | list[TemplateFinding]:
    if place.document.problems:
        return place.problems()
    try:
        fields = _read_fields(place.document)
    except ValidationError as error:
        return [place.mistake(e) for e in error.errors(include_url=False)]
    try:
        template = _build(fields, environment)
    except DefinitionError as error:
        faults = error.faults or [Fault((), str(error), "")]
        return [place.fault(fault) for fault in faults]
    return LoadedTemplate(template, tuple(place.remarks(fields)), place.file)


def _read_fields(document: Document) -> TemplateFields:
    """A number where a text is meant is taken as it was written: `version: 1.10` is not 1.1."""
    try:
        return TemplateFields.model_validate(document.data)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            text = document.texts.get(problem["loc"])
            if problem["type"] == "string_type" and text is not None:
                _put(document.data, problem["loc"], text)
        return TemplateFields.model_validate(document.data)


def _put(data: Any, path: Path, value: str) -> None:
    for step in path[:-1]:
        data = data[step]
    data[path[-1]] = value


def _build(fields: TemplateFields, environment: str | None) -> Template:
    minutes = fields.lifecycle.max_duration_minutes
    steps = [_override(step, fields, environment) for step in fields.steps]
    return Template(
        namespace=fields.namespace_name,
        name=fields.name,
        version=fields.version,
        steps=tuple(_build_step(index, step) for index, step in enumerate(steps)),
        description=fields.description,
        input_schema=fields.input_schema,
        time_limit=None if minutes is None else minutes * 60,
        metadata=fields.metadata,
        on_failure=fields.on_failure,
        expansion=Bounds(fields.expansion.max_steps, fields.expansion.max_depth),
        limits=_build_limits((), fields.limits),
    )


def _override(step: StepFields, fields: TemplateFields, environment: str | None) -> StepFields:
    """The step as it is in an environment: what applies to it there, one change after the other."""
    if environment not in fields.environments:
        return step
    for change in fields.environments[environment].steps:
        if change.name in ("ALL", step.name):
            own = step.handler
            initialization = own.initialization | change.handler.initialization
            update: dict[str, Any] = {
                "handler": own.model_copy(update={"initialization": initialization}),
                "retry": step.retry.overridden(change.retry),
            }
            if change.timeout_seconds is not None:
                update["timeout_seconds"] = change.timeout_seconds
            step = step.model_copy(update=update)
    return step


def _build_step(index: int, fields: StepFields) -> StepDefinition:
    return StepDefinition(
        name=fields.name,
        handler=fields.handler.full_name,
        kind=fields.kind,
        depends_on=tuple(fields.depends_on),
        config=fields.handler.initialization,
        description=fields.description,
        retry=_build_retry(("steps", index, "retry"), fields.retry),
        attempt_time_limit=fields.timeout_seconds,
        step_time_limit=fields.total_timeout_seconds,
        queue=fields.queue,
        input_schema=fields.input_schema,
        result_schema=fields.result_schema,
        batch=BatchPolicy(
            fields.batch_config.parallelism, _ON_FAILURE[fields.batch_config.failure_strategy]
        ),
        compensate=_build_compensation(index, fields.compensate),
        expands=tuple(fields.expands),
        limits=_build_limits(("steps", index), fields.limits),
    )


def _build_compensation(index: int, fields: CompensationFields | None) -> Compensation | None:
    if fields is None:
        return None
    return Compensation(
        handler=fields.handler.full_name,
        takes=None if fields.takes is None else tuple(fields.takes),
        when=fields.when,
        queue=fields.queue,
        config=fields.handler.initialization,
        retry=_build_retry(("steps", index, "compensate", "retry"), fields.retry),
        attempt_time_limit=fields.timeout_seconds,
        step_time_limit=fields.total_timeout_seconds,
    )


def _build_limits(path: Path, fields: Sequence[LimitFields]) -> tuple[Limit, ...]:
    return tuple(
        _build_limit((*path, "limits", index), limit) for index, limit in enumerate(fields)
    )


def _build_limit(path: Path, fields: LimitFields) -> Limit:
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
        fault = Fault(path, str(error), "A limit has a concurrency, a rate or a key.")
        raise DefinitionError(str(error), [fault]) from None


def _build_retry(path: Path, fields: RetryFields) -> Retry:
    base = fields.backoff_base_ms / 1000
    cap = max(base, _USUAL_CAP) if fields.max_backoff_ms is None else fields.max_backoff_ms / 1000
    # The first attempt is always made: with max_attempts 0 there is just no other.
    attempts = max(fields.max_attempts, 1) if fields.retryable else 1
    try:
        return Retry(attempts, fields.backoff, base, cap, fields.jitter, fields.permanent_errors)
    except DefinitionError as error:
        fault = Fault(path, str(error), "Give times in milliseconds.")
        raise DefinitionError(str(error), [fault]) from None
