"""What a primitive is: the interface that each module of this folder fills, and that new ones fill. Pure.

A primitive does one thing. `check` says, of a step as it was written, what it gives and what it may do, and prepares
it; `run` does it. The checker and the runner know nothing of kinds: what is special about one stands in its module.
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from tasker_grammar.composition import Id, RawStep
from tasker_grammar.contracts import Schema
from tasker_grammar.effects import Effect
from tasker_grammar.expressions import Expression
from tasker_grammar.resources import Resource
from tasker_grammar.types import Object, Type
from tasker_grammar.world import World

__all__ = [
    "Broken",
    "Checked",
    "Cost",
    "Failure",
    "Primitive",
    "Program",
    "ProgramStep",
    "Running",
    "Scope",
    "Source",
    "StepFields",
    "Ties",
]

Json = Any
Pointer = str
"""A JSON pointer from the step to one of its fields: "/params"."""


class Source(str):
    """The text of an expression. Steps are tied to others by what stands in fields of this type.

    A number or a truth value, as a parameter may be filled in with, is the expression that gives it.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls._read)

    @classmethod
    def _read(cls, value: object) -> Source:
        match value:
            case str():
                return cls(value)
            case bool() | int():
                return cls(json.dumps(value))
            case float() if math.isfinite(value):
                return cls(format(Decimal(repr(value)), "f"))  # expressions know no exponents
            case _:
                asked = 'an expression, as a text in quotes: "{id: .input.id}"'
                raise PydanticCustomError("expression_type", asked)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _: CoreSchema, __: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "format": "expression", "minLength": 1}


class StepFields(BaseModel):
    """What every step may have. A primitive adds its own fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Id
    kind: str
    needs: tuple[Id, ...] = ()
    """Steps to wait for beside those whose results are read."""
    description: str = ""


Fields = TypeVar("Fields", bound=StepFields)
Plan = TypeVar("Plan")


@dataclass(frozen=True, slots=True)
class Failure:
    """A way in which a step may fail. `retryable`: whether its task's step is tried again for it."""

    code: str
    meaning: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """The most that a step may come to: invocations, writes, items at once, and steps one behind the other within
    it."""

    work: int = 1
    writes: int = 0
    width: int = 1
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Checked(Generic[Plan]):
    """A step that was checked. `output`: the type of what it gives. `plan`: what `run` needs, prepared.

    `failures`: those of the primitive that are possible here, and those of the parts within. `label`: how
    confidential what it gives is, if it says so itself. `inside`: the programs within, by name.
    """

    output: Type
    plan: Plan
    effect: Effect
    failures: frozenset[str] = frozenset()
    cost: Cost = Cost()
    label: str | None = None
    inside: Mapping[str, Program] = field(default_factory=dict[str, "Program"])


@dataclass(frozen=True, slots=True)
class Broken:
    """Something was reported, so the step cannot run. `output`: what it would give, if that can be said all the same:
    what stands after it is checked by that.
    """

    output: Type | None = None


@dataclass(frozen=True, slots=True)
class Ties:
    """How a step is tied to others, beside by its `needs` and by what its expressions refer to.

    `branches`: by the name of a case, the steps that run only if it is chosen. `gathers`: whether it goes on when
    some of the steps that it waits for do not run. `reads`: steps whose outputs it takes without an expression.
    `within`: steps within it, whose expressions see what its own see, and `item` and `index`. `guards`: whether a
    person has approved of whatever waits for it.
    """

    branches: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    gathers: bool = False
    reads: Sequence[str] = ()
    within: Sequence[RawStep] = ()
    guards: bool = False


@dataclass(frozen=True, slots=True)
class ProgramStep:
    """A step of a program: ready to run. `sees`: the ids of the steps whose outputs it is given.

    `waits_for`: the ids of all steps that it comes after. `branches`: by the name of a case, the steps that run if it
    is chosen. `gathers`: whether it goes on when steps that it waits for do not run (as a convergence in a template).
    """

    id: str
    primitive: Primitive[Any, Any]
    fields: StepFields
    checked: Checked[Any]
    sees: frozenset[str]
    waits_for: frozenset[str]
    branches: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    gathers: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """Steps that passed the check, in an order in which they can run."""

    steps: tuple[ProgramStep, ...]
    result: str
    given: Object
    """What expressions see beside the steps: `input`, and within a fan-out `item` and `index`."""
    output: Type
    effect: Effect
    failures: frozenset[str]
    cost: Cost


class Scope(Protocol):
    """What `check` may ask. Whatever is wrong is reported, and then the answer is None: the check goes on, to find
    all."""

    @property
    def given(self) -> Object:
        """The type of what the step's expressions see as `.`: `input`, and the outputs of the steps that stand
        before it."""
        ...

    def report(
        self,
        code: str,
        field: Pointer,
        message: str,
        hint: str = "",
        *,
        expected: str | None = None,
        got: str | None = None,
    ) -> None:
        """Report a finding. `codes` has what may be reported."""
        ...

    def expression(self, field: Pointer, source: str) -> Expression | None:
        """The expression in this field, checked."""
        ...

    def fit(self, field: Pointer, code: str, given: Type, taken: Schema) -> bool:
        """Whether all values of a type satisfy a contract; if not, `code` is reported, with where and why."""
        ...

    def resource(self, field: Pointer, kind: str, name: str) -> Resource | None:
        """What resource there is of this kind ("endpoint", "table", "event", "action") under the name, if it may be
        used."""
        ...

    def schema(self, field: Pointer, given: str | dict[str, Any] | bool) -> Schema | None:
        """A contract: by its name among the resources, or as it stands where inline schemas are allowed."""
        ...

    def program(
        self, field: Pointer, steps: Sequence[Mapping[str, Any]], result: str, given: Object
    ) -> Program | None:
        """Steps within this step, checked; their expressions see `given`."""
        ...

    def composition(
        self, field: Pointer, name: str, arguments: Mapping[str, Any], input: Type
    ) -> Program | None:
        """A named composition ("name" or "name@version"), filled in with arguments, for an input of this type."""
        ...


class Running(Protocol):
    """What `run` may use."""

    @property
    def place(self) -> str:
        """Which execution this is, as in "each[3].fetched"."""
        ...

    @property
    def given(self) -> Mapping[str, Json]:
        """What expressions see as `.`; a step that did not run has no field here."""
        ...

    @property
    def done(self) -> Mapping[str, Json]:
        """What the world is to make durable before it acts."""
        ...

    @property
    def world(self) -> World:
        """The outside."""
        ...

    async def evaluate(self, expression: Expression) -> Json:
        """What an expression gives here. Raises ActionFailed with DATA_ERROR or OVER_BUDGET."""
        ...

    async def compute(self, call: Callable[[], Json]) -> Json:
        """What the call gives, which computes long and touches nothing: so that other steps go on meanwhile."""
        ...

    async def run(self, program: Program, given: Mapping[str, Json], name: str) -> Json:
        """Run a program within this step. `name` tells its executions apart: "[3]", or "" where there is one."""
        ...


class Primitive(Protocol[Fields, Plan]):
    """One kind of step. A module subclasses this, and says what is not so by itself.

    `summary`: what it does, in one sentence, for people and models; `gives`: what comes out, in words. `failures`: all
    that it may end with; what it raises beside them is a fault of its own.
    """

    kind: str
    summary: str
    gives: str = ""
    effect: Effect
    failures: tuple[Failure, ...]
    fields: type[Fields]

    def check(self, step: Fields, scope: Scope) -> Checked[Plan] | Broken:
        """What the step comes to. It is `Broken` when no plan can be made of it: that was reported. What was reported
        keeps it from running, in any case.
        """
        ...

    def ties(self, step: Fields) -> Ties:
        """How it is tied to other steps, where that is not by expressions and `needs` alone."""
        return Ties()

    def run(self, plan: Plan, running: Running) -> Awaitable[Json]:
        """Do it, and give what `check` said. Raises ActionFailed with a code of `failures`."""
        ...
