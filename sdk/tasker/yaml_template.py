"""Loads templates from YAML: Tasker's own TaskTemplate format. Reads the files it is given.

What is wrong is collected and raised at once, each finding with its file and line and how to mend
it. What is no error stands beside the template that was loaded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, assert_never

from tasker.environments import apply_environment, check_environment, locate_change
from tasker.errors import Fault, TemplateError, TemplateFinding
from tasker.template import Template
from tasker.yaml_building import build_template
from tasker.yaml_fields import TemplateFields
from tasker.yaml_findings import Place, yaml_path
from tasker.yaml_reading import Reading, read_fields
from tasker.yaml_source import Document, read_documents

if TYPE_CHECKING:
    from tasker.vocabulary import Vocabulary

__all__ = [
    "LoadedTemplate",
    "Refused",
    "examine_files",
    "examine_text",
    "load_all_templates",
    "load_templates",
    "parse_templates",
]

Handlers = Collection[str] | None

_SUFFIXES = (".yaml", ".yml")
# Where an environment allows one attempt, the step's backoff is there for the others.
_MEANT_ELSEWHERE = frozenset({"backoff-without-retry"})


@dataclass(frozen=True, slots=True)
class Refused:
    """A document that is no template that could be used, and why: errors, and what else there is to say."""

    findings: tuple[TemplateFinding, ...]
    environments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadedTemplate:
    """A template, the file it came from, and what there is to be said about it that is no error."""

    template: Template
    findings: tuple[TemplateFinding, ...]
    file: str
    environments: tuple[str, ...] = ()
    """Those for which it says something."""

    @property
    def warnings(self) -> tuple[TemplateFinding, ...]:
        """What is likely a mistake, or has no effect."""
        return tuple(finding for finding in self.findings if finding.severity == "warning")


def load_templates(
    path: str | FilePath, *, environment: str | None = None, vocabulary: Vocabulary | None = None
) -> list[LoadedTemplate]:
    """The templates in a YAML file, or in all YAML files below a directory, in file order.

    With `environment`, what the templates say under `environments` for it is applied; it is checked
    for the others, too. `vocabulary` is what compositions may name: `load_vocabulary` reads it from files.
    Raises `TemplateError` with everything that is wrong, in whichever file, and `UnknownEnvironmentError` when none
    of the templates has that environment.
    """
    return load_all_templates([path], environment=environment, vocabulary=vocabulary)


def load_all_templates(
    paths: Iterable[str | FilePath],
    *,
    environment: str | None = None,
    vocabulary: Vocabulary | None = None,
) -> list[LoadedTemplate]:
    """As `load_templates`, of several files and directories together."""
    outcomes = (
        each
        for path in paths
        for each in examine_files(path, environment=environment, vocabulary=vocabulary)
    )
    return _all_or_none(outcomes, environment)


def parse_templates(
    text: str,
    *,
    file: str = "<text>",
    environment: str | None = None,
    vocabulary: Vocabulary | None = None,
) -> list[LoadedTemplate]:
    """The templates in a YAML text, one per document. `file` is what messages call it.

    Raises `TemplateError` with everything that is wrong, and `UnknownEnvironmentError`.
    """
    outcomes = examine_text(text, file=file, environment=environment, vocabulary=vocabulary)
    return _all_or_none(outcomes, environment)


def examine_files(
    path: str | FilePath,
    *,
    environment: str | None = None,
    handlers: Handlers = None,
    vocabulary: Vocabulary | None = None,
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
                text,
                file=str(file),
                environment=environment,
                handlers=handlers,
                vocabulary=vocabulary,
            )
    if not files:
        yield _refuse(str(given), "no-template", "there is no YAML file below", "Add one.")


def examine_text(
    text: str,
    *,
    file: str = "<text>",
    environment: str | None = None,
    handlers: Handlers = None,
    vocabulary: Vocabulary | None = None,
) -> Iterator[LoadedTemplate | Refused]:
    """As `parse_templates`, document by document, and without raising: what is broken is refused."""
    documents = [d for d in read_documents(text) if d.data is not None or d.problems]
    for document in documents:
        yield _examine(Place(file, document), environment, handlers, vocabulary)
    if not documents:
        yield _refuse(file, "no-template", "there is no template in it", "Write one.")


def _all_or_none(
    outcomes: Iterable[LoadedTemplate | Refused], environment: str | None
) -> list[LoadedTemplate]:
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
    check_environment(environment, [name for one in loaded for name in one.environments])
    return loaded


def _unreadable(path: FilePath, why: str | None) -> Refused:
    return _refuse(str(path), "unreadable-file", f"it cannot be read: {why}", "Name a YAML file.")


def _refuse(file: str, code: str, what: str, mend: str) -> Refused:
    return Refused((Place(file, Document()).finding(code, (), what, mend),))


def _examine(
    place: Place, environment: str | None, handlers: Handlers, vocabulary: Vocabulary | None
) -> LoadedTemplate | Refused:
    findings = place.problems()
    if any(finding.code != "duplicate-key" for finding in findings):
        return Refused(tuple(findings))
    reading = read_fields(place.document)
    findings += map(place.mistake, reading.mistakes)
    if reading.fields is None:
        return Refused(tuple(findings))
    findings += place.remarks(reading.fields)
    applied = apply_environment(reading.fields, environment)
    template, faults = build_template(applied, handlers, vocabulary)
    findings += _tell(place, reading, reading.fields, faults, environment)
    findings += _examine_others(place, reading, reading.fields, faults, environment, vocabulary)
    environments = tuple(reading.fields.environments)
    if template is None or any(finding.severity == "error" for finding in findings):
        return Refused(tuple(findings), environments)
    return LoadedTemplate(template, tuple(findings), place.file, environments)


def _tell(
    place: Place,
    reading: Reading,
    fields: TemplateFields,
    faults: Iterable[Fault],
    environment: str | None,
) -> Iterator[TemplateFinding]:
    for fault in filter(reading.can_tell, faults):
        at = locate_change(fields, environment, yaml_path(fault.path))
        if environment is None or at is None:
            yield place.fault(fault)
        elif fault.code not in _MEANT_ELSEWHERE:
            yield place.fault_in(environment, fault, at)


def _examine_others(
    place: Place,
    reading: Reading,
    fields: TemplateFields,
    said: Sequence[Fault],
    environment: str | None,
    vocabulary: Vocabulary | None,
) -> Iterator[TemplateFinding]:
    """What is to be said about the template in other environments than the chosen one, and in that one is not."""
    for name in fields.environments:
        if name == environment:
            continue
        _, faults = build_template(apply_environment(fields, name), None, vocabulary)
        for fault in faults:
            new = fault not in said and fault.code not in _MEANT_ELSEWHERE
            if new and reading.can_tell(fault):
                at = locate_change(fields, name, yaml_path(fault.path))
                yield place.fault_in(name, fault, at or ("environments", name))
