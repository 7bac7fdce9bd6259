"""Loads templates from YAML: Tasker's own TaskTemplate format. Reads the files it is given.

What is wrong is collected and raised at once, each finding with its file and line and how to mend
it. What is no error stands beside the template that was loaded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, assert_never

from tasker.checking import check, make_fault
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
from tasker.yaml_reading import read_fields
from tasker.yaml_source import Document, Path, read_documents

__all__ = [
    "LoadedTemplate",
    "Refused",
    "examine_files",
    "examine_text",
    "load_templates",
    "parse_templates",
]

Handlers = Collection[str] | None

_ON_FAILURE: dict[str, OnFailure] = {
    "continue_on_failure": "continue",
    "fail_fast": "fail_task",
    "isolate": "wait",
}
_USUAL_CAP = to_seconds(Retry().cap)
_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Refused:
    """A document that is no template that could be used, and why: errors, and what else there is to say."""

    findings: tuple[TemplateFinding, ...]


@dataclass(frozen=True, slots=True)
class LoadedTemplate:
    """A template, the file it came from, and what there is to be said about it that is no error."""

    template: Template
    findings: tuple[TemplateFinding, ...]
    file: str

    @property
    def warnings(self) -> tuple[TemplateFinding, ...]:
        """What is likely a mistake, or has no effect."""
        return tuple(finding for finding in self.findings if finding.severity == "warning")


def load_templates(path: str | FilePath, *, environment: str | None = None) -> list[LoadedTemplate]:
    """The templates in a YAML file, or in all YAML files below a directory, in file order.

    With `environment`, what the templates say under `environments` for it is applied. Raises
    `TemplateError` with everything that is wrong, in whichever file.
    """
    return _all_or_none(examine_files(path, environment=environment))


def parse_templates(
    text: str, *, file: str = "<text>", environment: str | None = None
) -> list[LoadedTemplate]:
    """The templates in a YAML text, one per document. `file` is what messages call it.

    Raises `TemplateError` with everything that is wrong.
    """
    return _all_or_none(examine_text(text, file=file, environment=environment))


def examine_files(
    path: str | FilePath, *, environment: str | None = None, handlers: Handlers = None
) -> Iterator[LoadedTemplate | Refused]:
    """As `load_templates`, document by document, and without raising: what is broken is refused.

    `handlers`: the names of those that workers have, where they are known.
    """
    given = FilePath(path)
    files = [given]
    try:
        if given.is_dir():
            files = sorted(file for file in given.rglob("*") if file.suffix in _SUFFIXES)
    except OSError as error:
        yield _unreadable(given, error.strerror)
        return
    for file in files:
        try:
            text = file.read_text("utf-8")
        except UnicodeDecodeError:
            yield _unreadable(file, "it is not UTF-8")
        except (OSError, ValueError) as error:  # the latter where a name holds a NUL
            yield _unreadable(file, error.strerror if isinstance(error, OSError) else str(error))
        else:
            yield from examine_text(
                text, file=str(file), environment=environment, handlers=handlers
            )
    if not files:
        yield _refuse(str(given), "no-template", "there is no YAML file below", "Add one.")


def examine_text(
    text: str,
    *,
    file: str = "<text>",
    environment: str | None = None,
    handlers: Handlers = None,
) -> Iterator[LoadedTemplate | Refused]:
    """As `parse_templates`, document by document, and without raising: what is broken is refused."""
    documents = [d for d in read_documents(text) if d.data is not None or d.problems]
    for document in documents:
        yield _examine(Place(file, document), environment, handlers)
    if not documents:
        yield _refuse(file, "no-template", "there is no template in it", "Write one.")


def _all_or_none(outcomes: Iterable[LoadedTemplate | Refused]) -> list[LoadedTemplate]:
    loaded: list[LoadedTemplate] = []
    errors: list[TemplateFinding] = []
    for outcome in outcomes:
        match outcome:
            case LoadedTemplate():
                loaded.append(outcome)
            case Refused(findings):
                errors += [finding for finding in findings if finding.severity == "error"]
            case _ as never:
                assert_never(never)
    if errors:
        raise TemplateError(errors)
    return loaded


def _unreadable(path: FilePath, why: str | None) -> Refused:
    return _refuse(str(path), "unreadable-file", f"it cannot be read: {why}", "Name a YAML file.")


def _refuse(file: str, code: str, what: str, mend: str) -> Refused:
    return Refused((Place(file, Document()).finding(code, (), what, mend),))


def _examine(place: Place, environment: str | None, handlers: Handlers) -> LoadedTemplate | Refused:
    findings = place.problems()
    if any(finding.code != "duplicate-key" for finding in findings):
        return Refused(tuple(findings))
    reading = read_fields(place.document)
    findings += map(place.mistake, reading.mistakes)
    if reading.fields is None:
        return Refused(tuple(findings))
    findings += place.remarks(reading.fields)
    template, faults = _build(reading.fields, environment, handlers)
    findings += [place.fault(fault) for fault in faults if reading.can_tell(fault)]
    if template is None or any(finding.severity == "error" for finding in findings):
        return Refused(tuple(findings))
    return LoadedTemplate(template, tuple(findings), place.file)


def _build(
    fields: TemplateFields, environment: str | None, handlers: Handlers
) -> tuple[Template | None, list[Fault]]:
    """The template, if one can be made, and all that the checker says about it."""
    minutes = fields.lifecycle.max_duration_minutes
    faults: list[Fault] = []
    steps = [_override(step, fields, environment) for step in fields.steps]
    try:
        template = Template(
            namespace=fields.namespace_name,
            name=fields.name,
            version=fields.version,
            steps=tuple(_build_step(index, step, faults) for index, step in enumerate(steps)),
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
