"""What there is to say about a YAML template, by line. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from pydantic_core import ErrorDetails

from tasker.checking import make_fault
from tasker.errors import Fault, TemplateFinding
from tasker.names import did_you_mean
from tasker.yaml_fields import Fields, TemplateFields, known_names
from tasker.yaml_source import Document, Path

__all__ = ["Place", "yaml_path"]

# What a template's own words are called in YAML, where they differ.
_YAML_PATHS: Mapping[str | int, Path] = {
    "namespace": ("namespace_name",),
    "time_limit": ("lifecycle", "max_duration_minutes"),
    "handler": ("handler", "callable"),
    "config": ("handler", "initialization"),
    "attempt_time_limit": ("timeout_seconds",),
    "step_time_limit": ("total_timeout_seconds",),
    "batch": ("batch_config",),
}
_VALUES = ("input_schema", "result_schema", "metadata", "config", "composition", "with")
"""What holds a user's own words below it."""
_OTHER_NAMES = {"dependencies": "depends_on", "depends_on": "dependencies", "type": "step_type"}
_WITHOUT_MEANING: Mapping[str, Any] = {
    "system_dependencies": {"primary": "default", "secondary": []}
}
_WORDS: Mapping[str, str] = {
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "list_type": "a list",
    "string_type": "a text",
    "bool_": "true or false",
    "int_": "a whole number",
    "float_": "a number",
}
"""What the beginnings of pydantic's kinds of errors ask for."""
_RANGES = ("greater_than", "less_than", "literal_error", "string_too", "finite_number")


@dataclass(frozen=True, slots=True)
class Place:
    """A document in a file: tells what is found at a path by its line."""

    file: str
    document: Document

    def finding(self, code: str, path: Path, what: str, mend: str) -> TemplateFinding:
        """A finding at the line of `path`, or of what is nearest around it."""
        return self._locate(make_fault(code, path, what, mend), path)

    def problems(self) -> list[TemplateFinding]:
        """What is wrong with the YAML itself."""
        faults = [(p.line, make_fault(p.code, (), p.what, p.mend)) for p in self.document.problems]
        return [TemplateFinding(**asdict(f), file=self.file, line=line) for line, f in faults]

    def fault(self, fault: Fault) -> TemplateFinding:
        """What is to be said about the template that the YAML describes."""
        return self._locate(fault, yaml_path(fault.path))

    def fault_in(self, environment: str, fault: Fault, at: Path) -> TemplateFinding:
        """What is to be said about the template as it is in an environment, at the change that brings it."""
        told = replace(fault, what=f"in environment {environment}: {fault.what}")
        return self._locate(told, at)

    def _locate(self, fault: Fault, path: Path) -> TemplateFinding:
        others = tuple(_OTHER_NAMES.get(str(step), step) for step in path)
        line = self.document.line(others if others in self.document.lines else path)
        return TemplateFinding(
            path, fault.what, fault.mend, fault.code, fault.severity, self.file, line
        )

    def mistake(self, error: ErrorDetails) -> TemplateFinding:
        """A field that is missing or of the wrong type."""
        path = error["loc"]
        name = str(path[-1]) if path else "the template"
        kind = error["type"]
        match kind:
            case "missing":
                what = f"{_dotted(path)} is missing"
                return self.finding("missing-field", path, what, f"Add `{name}:`.")
            case "two_names":
                return self.finding("two-names", path, error["msg"], "Keep one of them.")
            case _:
                given = f"{_dotted(path)} is {_shown(error['input'])}"
                code = "out-of-range" if kind.startswith(_RANGES) else "wrong-type"
                if name == "callable" and kind == "string_too_short":
                    code = "empty-handler"
                return self.finding(code, path, given, _mend(name, error))

    def remarks(self, fields: TemplateFields) -> Iterator[TemplateFinding]:
        """What is accepted, and has no effect."""
        yield from self._walk(fields, ())
        for index, step in enumerate(fields.steps):
            if step.composition is not None and not step.runs_composition:
                mend = "The handler runs the step. Leave one of them out."
                path = ("steps", index, "composition")
                yield self.finding("not-acted-on", path, "composition is not acted on", mend)
        names = [step.name for step in fields.steps]
        known = frozenset(names)
        for environment, changes in fields.environments.items():
            for index, change in enumerate(changes.steps):
                if change.name != "ALL" and change.name not in known:
                    path = ("environments", environment, "steps", index)
                    what = f'there is no step "{change.name}" to change'
                    mend = did_you_mean(change.name, names) or "Remove it."
                    yield self.finding("unknown-environment-step", path, what, mend)

    def _walk(self, fields: Fields, path: Path) -> Iterator[TemplateFinding]:
        for name in fields.model_extra or ():
            hint = did_you_mean(name, known_names(type(fields)))
            what = f'the field "{name}" is unknown and has no effect'
            yield self.finding("unknown-field", (*path, name), what, hint or "Remove it.")
        for name in type(fields).model_fields:
            value = getattr(fields, name)
            later = fields.LATER.get(name)
            if later is not None and value and value != _WITHOUT_MEANING.get(name):
                what = f"{name} is not acted on"
                yield self.finding("not-acted-on", (*path, name), what, later)
            yield from self._walk_value(value, (*path, name))

    def _walk_value(self, value: Any, path: Path) -> Iterator[TemplateFinding]:
        match value:
            case Fields():
                yield from self._walk(value, path)
            case list():
                for index, item in enumerate(cast("list[Any]", value)):
                    yield from self._walk_value(item, (*path, index))
            case dict():
                for key, item in cast("dict[str, Any]", value).items():
                    yield from self._walk_value(item, (*path, key))
            case _:
                return


def yaml_path(path: Path) -> Path:
    """Where in YAML stands what a path in a template leads to."""
    found: list[str | int] = []
    for index, step in enumerate(path):
        found += _YAML_PATHS.get(step, (step,))
        if step in _VALUES:
            return (*found, *path[index + 1 :])
    return tuple(found)


def _dotted(path: Path) -> str:
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".") or "it"


def _mend(name: str, error: ErrorDetails) -> str:
    should = error["msg"].replace("Input should be", "It should be")
    for kind, word in _WORDS.items():
        if error["type"].startswith(kind):
            should = f"It should be {word}"
    match error["type"], error["input"]:
        case "model_type", str(text) if name == "handler":
            return f"{should}: `handler: {{ callable: {text} }}`."
        case "list_type", str(text):
            return f"{should}: `{name}: [{text}]`."
        case _:
            return f"{should}."


def _shown(value: object) -> str:
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            text = repr(value)
            return text if len(text) <= 60 else text[:57] + "..."
