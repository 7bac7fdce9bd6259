"""What has changed in one step that two versions of a template both have. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from tasker.comparison.changes import Change, Path, Who
from tasker.comparison.contracts import compare_contracts
from tasker.policy import BatchPolicy
from tasker.template import Compensation, StepDefinition

__all__ = ["compare_steps", "compare_values"]

_LONGEST = 120


def compare_steps(
    old: StepDefinition, new: StepDefinition, known: Collection[str], renamed: Mapping[str, str]
) -> Iterator[Change]:
    """The changes. `known`: the handlers that the old version has; `renamed`: steps' old names to new ones."""
    path = ("steps", new.name)
    if old.kind != new.kind:
        what = f"it was a step of kind {old.kind}, and is {new.kind} now"
        yield Change("kind", "changed", (*path, "kind"), "handlers", what)
    yield from _compare_handlers(path, old, new, known)
    yield from _compare_dependencies(path, old, new, renamed)
    yield from compare_contracts(
        "step-input", (*path, "input_schema"), old.input_schema, new.input_schema,
        narrowed="nobody", widened="handlers",
    )  # fmt: skip
    yield from compare_contracts(
        "result", (*path, "result_schema"), old.result_schema, new.result_schema,
        narrowed="handlers", widened="readers",
    )  # fmt: skip
    yield from _compare_compensations((*path, "compensate"), old.compensate, new.compensate, known)
    yield from _compare_lists("expands", (*path, "expands"), old.expands, new.expands, "handlers")
    yield from _compare_batches((*path, "batch"), old.batch, new.batch)
    for name in ("retry", "attempt_time_limit", "step_time_limit", "limits"):
        yield from compare_values("policy", (*path, name), getattr(old, name), getattr(new, name))
    yield from compare_values("text", (*path, "description"), old.description, new.description)


def _compare_handlers(
    path: Path,
    old: StepDefinition | Compensation,
    new: StepDefinition | Compensation,
    known: Collection[str],
) -> Iterator[Change]:
    """How the two are run: by which handler, from which queue, with which config."""
    if old.handler != new.handler:
        breaks: Who = "nobody" if new.handler in known else "handlers"
        what = f"it is run by {new.handler} instead of {old.handler}"
        yield Change("handler", "changed", (*path, "handler"), breaks, what)
    if old.queue != new.queue:
        before, after = (queue or "the usual queue" for queue in (old.queue, new.queue))
        what = f"it goes to {after} instead of {before}, which the workers must serve"
        yield Change("queue", "changed", (*path, "queue"), "handlers", what)
    for key in dict.fromkeys([*old.config, *new.config]):
        at = (*path, "config", key)
        if key not in new.config:
            yield Change("config", "removed", at, "handlers", "the handler finds it no longer")
        elif key not in old.config:
            yield Change("config", "added", at, "nobody", "the handler finds it newly")
        elif old.config[key] != new.config[key]:
            yield Change("config", "changed", at, "nobody", "it has another value")


def _compare_dependencies(
    path: Path, old: StepDefinition, new: StepDefinition, renamed: Mapping[str, str]
) -> Iterator[Change]:
    for name in old.depends_on:
        now = renamed.get(name, name)
        at = (*path, "depends_on", name)
        if now not in new.depends_on:
            what = f"it is not given the result of {name} any more"
            breaks: Who = "handlers" if _takes(old, name) else "nobody"
            yield Change("dependency", "removed", at, breaks, what)
        elif now != name:
            what = f"it takes {name} under the name {now}"
            breaks = "handlers" if _takes(old, name) else "nobody"
            yield Change("dependency", "renamed", at, breaks, what)
    before = {renamed.get(name, name) for name in old.depends_on}
    for name in new.depends_on:
        if name not in before:
            what = f"it waits for {name}, and is given its result"
            yield Change("dependency", "added", (*path, "depends_on", name), "nobody", what)


def _takes(step: StepDefinition, name: str) -> bool:
    """Whether the step's handler takes that result; where nothing is said, it may."""
    schema = step.input_schema
    return not isinstance(schema, Mapping) or name in schema.get("properties", {})


def _compare_compensations(
    path: Path, old: Compensation | None, new: Compensation | None, known: Collection[str]
) -> Iterator[Change]:
    if new is None:
        if old is not None:
            yield Change("compensation", "removed", path, "nobody", "nothing undoes it any more")
    elif old is None:
        breaks: Who = "nobody" if new.handler in known else "handlers"
        yield Change("compensation", "added", path, breaks, f"{new.handler} undoes it")
    else:
        yield from _compare_handlers(path, old, new, known)
        if old.takes is not None or new.takes is not None:
            before, after = old.takes or (), new.takes or ()
            yield from _compare_lists("compensation", (*path, "takes"), before, after, "handlers")
        for name in ("when", "retry", "attempt_time_limit", "step_time_limit"):
            before, after = getattr(old, name), getattr(new, name)
            yield from compare_values("policy", (*path, name), before, after)


def _compare_batches(path: Path, old: BatchPolicy, new: BatchPolicy) -> Iterator[Change]:
    """What gathers a batch is given an object with the failures in it, where that goes on without them; else a list."""
    gathered = "continue" in (old.on_failure, new.on_failure)
    for change in compare_values("policy", path, old, new):
        breaks = gathered and change.path[-1] == "on_failure"
        yield replace(change, breaks="handlers") if breaks else change


def _compare_lists(
    code: str, path: Path, old: Collection[str], new: Collection[str], breaks: Who
) -> Iterator[Change]:
    for name in old:
        if name not in new:
            yield Change(code, "removed", (*path, name), breaks, f"{name} is not among them now")
    for name in new:
        if name not in old:
            yield Change(code, "added", (*path, name), "nobody", f"{name} is among them now")


def compare_values(code: str, path: Path, old: Any, new: Any) -> Iterator[Change]:
    """The fields of a policy that have another value, or the one value that it is. They break nobody."""
    before, after = _plain(old), _plain(new)
    if isinstance(before, dict) and isinstance(after, dict):
        was, now = cast("dict[str, Any]", before), cast("dict[str, Any]", after)
        for key in dict.fromkeys([*was, *now]):
            yield from compare_values(code, (*path, key), was.get(key), now.get(key))
    elif before != after:
        what = f"it was {_say(before)}, and is {_say(after)} now"
        yield Change(code, "changed", path, "nobody", what)


def _plain(value: Any) -> object:
    if isinstance(value, tuple):
        return [_plain(each) for each in cast("tuple[Any, ...]", value)]
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, Any]", value))
    return value.to_json() if hasattr(value, "to_json") else value


def _say(value: Any) -> str:
    text = "nothing" if value in (None, [], {}) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
