"""Primitives that are watched: what each step sees and gives is held to the types that the checker found.

The types are turned to schemas, and `jsonschema` is the judge: not what the checker or the interpreter use.
"""

from __future__ import annotations

import copy
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from tests.soundness.shapes import Shape
from tests.soundness.world import misfit

from tasker_grammar.primitives import PRIMITIVES
from tasker_grammar.primitives.interface import Broken, Checked, Running, Scope, Ties
from tasker_grammar.schema_types import schema_of

Json = Any


@dataclass
class Observer:
    """What was seen in one run, and what was wrong with it."""

    faults: list[str] = field(default_factory=list[str])
    ran: Counter[str] = field(default_factory=Counter[str])
    deepest: int = 0
    wants_approval: bool = False
    """Whether a write is right only after a person has approved."""
    approved: bool = False


OBSERVER: ContextVar[Observer] = ContextVar("observer")


@dataclass(frozen=True)
class Plan:
    """What a watched primitive runs by: its own plan, and what the checker said of the step."""

    inner: Any
    sees: Shape
    gives: Shape
    declared: Shape
    """What its writer says that it gives."""
    takes: Shape
    """What the composition says that it takes, if it is one."""
    guards: bool
    """Whether what comes after it has been approved of."""
    writes: bool


class Watched:
    """A primitive, watched."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.kind = inner.kind
        self.summary = inner.summary
        self.effect = inner.effect
        self.failures = inner.failures
        self.fields = inner.fields

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def check(self, step: Any, scope: Scope) -> Checked[Any] | Broken:
        """As the primitive does, with the types kept."""
        given = scope.given
        checked = self.inner.check(step, scope)
        if isinstance(checked, Broken):
            return checked
        plan = Plan(
            checked.plan,
            schema_of(given),
            schema_of(checked.output),
            _declared(step, scope),
            _taken(step, scope),
            self.inner.ties(step).guards,
            checked.effect == "idempotent_write" and not checked.inside,
        )
        return replace(checked, plan=plan)

    def ties(self, step: Any) -> Ties:
        """As the primitive has it."""
        return self.inner.ties(step)

    async def run(self, plan: Plan, running: Running) -> Json:
        """As the primitive does, with what it sees and gives held to the types."""
        observer = OBSERVER.get()
        observer.ran[self.kind] += 1
        observer.deepest = max(observer.deepest, running.place.count("."))
        given = dict(running.given)
        if wrong := misfit(plan.sees, given):
            observer.faults.append(f"{running.place} sees what it should not: {wrong}")
        if self.kind == "compose" and (
            wrong := misfit(plan.takes, await running.evaluate(plan.inner.input))
        ):
            observer.faults.append(f"{running.place} takes what it should not: {wrong}")
        if plan.writes and observer.wants_approval and not observer.approved:
            observer.faults.append(f"{running.place} writes, and nobody was asked")
        before = copy.deepcopy(given)
        output = await self.inner.run(plan.inner, running)
        for shape in (plan.gives, plan.declared):
            if wrong := misfit(shape, output):
                observer.faults.append(
                    f"{running.place} ({self.kind}) gives what it should not: {wrong}"
                )
        observer.approved |= plan.guards
        if before != given:
            observer.faults.append(f"{running.place} changed what it was given")
        return output


def _declared(step: Any, scope: Scope) -> Shape:
    """What a step's writer says that it gives; anything, where nothing is said."""
    match step.kind:
        case "transform" if step.output is not None:
            return scope.schema("/output", step.output)
        case "validate":
            schema = scope.schema("/schema", step.schema_)
            if step.on_failure == "fail":
                return schema
            return {"type": "object", "properties": {"valid": {"type": "array", "items": schema}}}
        case _:
            return True


def _taken(step: Any, scope: Any) -> Shape:
    """What the composition that a step uses says that it takes."""
    if step.kind != "compose":
        return True
    return scope.check.compositions.find(step.composition).input


WATCHED: Any = {kind: Watched(each) for kind, each in PRIMITIVES.items()}
"""All primitives, watched: the checker takes them instead of its own."""
