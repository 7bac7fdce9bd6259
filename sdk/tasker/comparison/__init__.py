"""Compares two versions of a template: what is another, and who it breaks. Pure.

A task keeps the version that it began with, so tasks under way are broken by no new version, but
by code that no longer has what theirs needs: `tasker template check-running` looks for that.
"""

from __future__ import annotations

from collections.abc import Iterator

from tasker.checking.graph import parents_in_template
from tasker.comparison.changes import CODES, Change, Sort, Who
from tasker.comparison.contracts import compare_contracts
from tasker.comparison.steps import compare_steps, compare_values
from tasker.template import StepDefinition, Template

__all__ = ["CODES", "Change", "Sort", "Who", "compare"]


def compare(old: Template, new: Template) -> list[Change]:
    """All that has changed from one version to another, in the order of the new definition."""
    renamed = _find_renamed(old, new)
    return [
        *_compare_names(old, new),
        *compare_contracts(
            "input", ("input_schema",), old.input_schema, new.input_schema,
            narrowed="callers", widened="nobody",
        ),
        *_compare_all_steps(old, new, renamed),
        *_compare_branches(old, new, renamed),
        *_compare_last_steps(old, new, renamed),
        *_compare_rest(old, new),
    ]  # fmt: skip


def _compare_names(old: Template, new: Template) -> Iterator[Change]:
    if old.full_name != new.full_name:
        what = f"it is {new.full_name} instead of {old.full_name}"
        yield Change("name", "changed", ("name",), "callers", what)


def _find_renamed(old: Template, new: Template) -> dict[str, str]:
    """The steps that have another name now, and the same handler, which no other step shares."""
    before, after = _by_handler(old, new), _by_handler(new, old)
    return {
        before[handler].name: step.name
        for handler, step in after.items()
        if handler in before and before[handler].kind == step.kind
    }


def _by_handler(template: Template, other: Template) -> dict[str, StepDefinition]:
    """The steps that the other does not have by name, by their handlers, each of which runs but one of them."""
    there = {step.name for step in other.steps}
    lone = [step for step in template.steps if step.name not in there]
    handlers = [step.handler for step in lone]
    return {step.handler: step for step in lone if handlers.count(step.handler) == 1}


def _compare_all_steps(old: Template, new: Template, renamed: dict[str, str]) -> Iterator[Change]:
    known = {handler for handler, _ in old.handlers}
    before = {renamed.get(step.name, step.name): step for step in old.steps}
    after = {step.name for step in new.steps}
    for step in new.steps:
        was = before.get(step.name)
        path = ("steps", step.name)
        if was is None:
            missing = [
                h
                for h, of in new.handlers
                if of in (step.name, f"undo:{step.name}") and h not in known
            ]
            what = f"it is new, and needs {' and '.join(missing)}" if missing else "it is new"
            yield Change("step", "added", path, "handlers" if missing else "nobody", what)
            continue
        if was.name != step.name:
            what = f"it was called {was.name}"
            yield Change("step", "renamed", path, "readers", what)
        yield from compare_steps(was, step, known, renamed)
    for name, step in before.items():
        if name not in after:
            yield Change(
                "step", "removed", ("steps", step.name), "readers", "it has gone, and its result"
            )


def _compare_branches(old: Template, new: Template, renamed: dict[str, str]) -> Iterator[Change]:
    """Names that the handler of a decision may go on to answer, and that no branch of it has any more."""
    before = {step.name: step.kind for step in old.steps}
    after = {step.name: step for step in new.steps}
    for step in old.steps:
        for name in step.depends_on:
            decision = after.get(renamed.get(name, name))
            if before[name] != "decision" or decision is None or decision.kind != "decision":
                continue
            if step.name not in after or decision.name not in after[step.name].depends_on:
                what = f'the decision can no longer choose "{step.name}"'
                path = ("steps", decision.name, "branches", step.name)
                yield Change("branch", "removed", path, "handlers", what)


def _compare_last_steps(old: Template, new: Template, renamed: dict[str, str]) -> Iterator[Change]:
    before = {renamed.get(name, name) for name in _last_steps(old)}
    after = _last_steps(new)
    if before != after:
        what = f"a task's result is that of {_names(after)} instead of {_names(before)}"
        yield Change("last-steps", "changed", ("steps",), "readers", what)


def _last_steps(template: Template) -> set[str]:
    parents = parents_in_template(template.steps).values()
    inner = {parent for step in template.steps for parent in step.depends_on}.union(*parents)
    return {
        step.name for step in template.steps if step.name not in inner and step.kind != "dynamic"
    }


def _names(names: set[str]) -> str:
    return " and ".join(sorted(names)) or "no step"


def _compare_rest(old: Template, new: Template) -> Iterator[Change]:
    for code, names in (
        ("policy", ("time_limit", "on_failure", "expansion", "limits")),
        ("text", ("description", "metadata")),
    ):
        for name in names:
            yield from compare_values(code, (name,), getattr(old, name), getattr(new, name))
