"""`converge`: brings branches together again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from tasker_grammar.composition import Id
from tasker_grammar.primitives.interface import (
    Broken,
    Checked,
    Primitive,
    Running,
    Scope,
    StepFields,
    Ties,
)
from tasker_grammar.types import Object

__all__ = ["Converge", "ConvergeFields"]


class ConvergeFields(StepFields):
    """`needs`: what is brought together. `mode`: created, those of the steps that run; all, it needs each of them."""

    needs: Annotated[tuple[Id, ...], Field(min_length=1, validate_default=True)] = ()
    mode: Literal["created", "all"] = "created"


class Converge(Primitive[ConvergeFields, Sequence[str]]):
    """Gives an object with what each of its `needs` gave; what did not run is not in it."""

    kind = "converge"
    summary = "Gather what steps gave, of whichever of them did run."
    gives = "{id: what that step gave}, without those that did not run"
    effect = "control"
    failures = ()
    fields = ConvergeFields

    def check(self, step: ConvergeFields, scope: Scope) -> Checked[Sequence[str]] | Broken:
        """A step that may not run gives a field that may be missing."""
        seen = scope.given.fields
        known = {name: seen[name] for name in step.needs if name in seen}
        if len(known) < len(set(step.needs)):
            return Broken()
        return Checked(Object(known), step.needs, self.effect)

    def ties(self, step: ConvergeFields) -> Ties:
        """It reads what it needs; and goes on without some of it, unless it needs all."""
        return Ties(gathers=step.mode == "created", reads=step.needs)

    async def run(self, plan: Sequence[str], running: Running) -> Any:
        """Take what is there."""
        return {name: running.given[name] for name in plan if name in running.given}
