"""`decide`: chooses which steps run. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasker_grammar.composition import Id
from tasker_grammar.expressions import Expression
from tasker_grammar.primitives.interface import (
    Broken,
    Checked,
    Primitive,
    Running,
    Scope,
    Source,
    StepFields,
    Ties,
)
from tasker_grammar.primitives.parts import DATA_ERROR, OVER_BUDGET, closed, codes_of, condition
from tasker_grammar.types import String

__all__ = ["Case", "Decide", "DecideFields"]

ELSE = "else"


class Case(BaseModel):
    """Steps (`then`) that run if `when` is the first that is true."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Id | None = None
    when: Source
    then: tuple[Id, ...]


class DecideFields(StepFields):
    """`cases` are looked at in order. `else`: the steps that run if none of them holds."""

    cases: Annotated[tuple[Case, ...], Field(min_length=1, max_length=50)]
    otherwise: tuple[Id, ...] = Field(default=(), alias=ELSE)

    @model_validator(mode="after")
    def _has_names_apart(self) -> DecideFields:
        if len(self.branches) <= len(self.cases):
            raise ValueError(f'the names of the cases must differ, and none is "{ELSE}"')
        return self

    @property
    def branches(self) -> Mapping[str, tuple[str, ...]]:
        """The steps of each case, by its name: "case_1" for the first that has none."""
        named = {case.name or f"case_{at}": case.then for at, case in enumerate(self.cases, 1)}
        return {**named, ELSE: self.otherwise}


@dataclass(frozen=True, slots=True)
class _Plan:
    cases: tuple[tuple[str, Expression], ...]


class Decide(Primitive[DecideFields, _Plan]):
    """Takes the first case whose condition is true. The steps of the others do not run."""

    kind = "decide"
    summary = "Choose, by conditions, which of some steps run."
    gives = '{branch: name of the case, or "else"}'
    effect = "control"
    failures = (DATA_ERROR, OVER_BUDGET)
    fields = DecideFields

    def check(self, step: DecideFields, scope: Scope) -> Checked[_Plan] | Broken:
        """Each condition must be a boolean whatever the data."""
        names = list(step.branches)
        output = closed(branch=String(frozenset(names)))
        conditions: list[Expression] = []
        for at, case in enumerate(step.cases):
            when = condition(scope, f"/cases/{at}/when", case.when, "a condition")
            if when is not None:
                conditions.append(when)
        if len(conditions) < len(step.cases):
            return Broken(output)
        plan = _Plan(tuple(zip(names, conditions, strict=False)))
        return Checked(output, plan, self.effect, codes_of(*conditions))

    def ties(self, step: DecideFields) -> Ties:
        """The steps of a case run only if it is chosen."""
        return Ties(branches=step.branches)

    async def run(self, plan: _Plan, running: Running) -> Any:
        """Look for the first case that holds."""
        for name, when in plan.cases:
            if await running.evaluate(when):
                return {"branch": name}
        return {"branch": ELSE}
