"""Environments: what each changes in a template in YAML, and what comes of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from tasker.errors import UnknownEnvironmentError
from tasker.yaml_fields import EnvironmentFields, OverrideFields, StepFields, TemplateFields

__all__ = ["Change", "apply_environment", "check_environment", "find_changes", "locate_change"]

Path = tuple[str | int, ...]

_ALL = "ALL"


@dataclass(frozen=True, slots=True)
class Change:
    """One value that an environment changes. `step` is None for what is of the whole template.

    `field` is a path with dots in the template's definition: `retry.max_attempts`, `config.currency`. None stands also
    for what is not there.
    """

    step: str | None
    field: str
    before: Any
    after: Any


def check_environment(name: str | None, known: Sequence[str]) -> None:
    """Raises UnknownEnvironmentError when one is named that is not known."""
    if name is not None and name not in known:
        raise UnknownEnvironmentError(name, sorted(set(known)))


def apply_environment(fields: TemplateFields, name: str | None) -> TemplateFields:
    """A template's fields as they are in an environment; as they stand where it says nothing of that."""
    if name is None or name not in fields.environments:
        return fields
    there = fields.environments[name]
    update: dict[str, Any] = {
        "steps": [_apply_all(step, there) for step in fields.steps],
        "lifecycle": fields.lifecycle.overridden(there.lifecycle),
    }
    if there.limits is not None:
        update["limits"] = there.limits
    return fields.model_copy(update=update)


def locate_change(fields: TemplateFields, name: str | None, path: Path) -> Path | None:
    """Where an environment gives what `path` leads to in the YAML; None where it does not."""
    there = fields.environments.get(name) if name is not None else None
    if name is None or there is None:
        return None
    match path:
        case ("steps", int(index), str(field), *rest):
            for place, change in reversed(list(enumerate(there.steps))):
                if field in change.model_fields_set and change.name in (
                    _ALL,
                    fields.steps[index].name,
                ):
                    return ("environments", name, "steps", place, field, *rest)
        case (str(field), *rest) if field in there.model_fields_set and field != "steps":
            return ("environments", name, field, *rest)
        case _:
            pass
    return None


def find_changes(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[Change]:
    """What differs between two definitions of one template, as `to_json` gives them."""
    changes = [Change(None, *each) for each in _compare(_without(here), _without(there), "")]
    for before, after in zip(here["steps"], there["steps"], strict=True):
        changes += [Change(before["name"], *each) for each in _compare(before, after, "")]
    return changes


def _apply_all(step: StepFields, there: EnvironmentFields) -> StepFields:
    """One change after the other, in their order."""
    for change in there.steps:
        if change.name in (_ALL, step.name):
            step = _apply(step, change)
    return step


def _apply(step: StepFields, change: OverrideFields) -> StepFields:
    own = step.handler
    initialization = own.initialization | change.handler.initialization
    update: dict[str, Any] = {
        "handler": own.model_copy(update={"initialization": initialization}),
        "retry": step.retry.overridden(change.retry),
    }
    if step.kind == "batch_worker" or change.name != _ALL:
        update["batch_config"] = step.batch_config.overridden(change.batch_config)
    for name in ("timeout_seconds", "total_timeout_seconds", "queue", "limits"):
        if getattr(change, name) is not None:
            update[name] = getattr(change, name)
    return step.model_copy(update=update)


def _without(definition: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in definition.items() if name != "steps"}


def _compare(before: Any, after: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        one, other = cast("Mapping[str, Any]", before), cast("Mapping[str, Any]", after)
        for name in dict.fromkeys([*one, *other]):
            inner = f"{path}.{name}" if path else name
            yield from _compare(one.get(name), other.get(name), inner)
    elif before != after:
        yield path, before, after
