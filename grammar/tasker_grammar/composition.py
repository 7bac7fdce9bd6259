"""What is written: steps, and what is made of them. A composition has a name and contracts; a fragment is proposed.
Pure.

A step's kind is a primitive's; its other fields are that primitive's own, and read by it. So this module knows no
primitive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tasker_grammar.effects import Effect
from tasker_grammar.resources import Resources

__all__ = ["WIDEST", "Bounds", "Composition", "Example", "Fragment", "Id", "Parameter", "RawStep"]

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]

RawStep = Mapping[str, Any]
"""A step as it was written: `id`, `kind`, perhaps `needs` and `description`, and the fields of its kind."""

JsonSchema = dict[str, Any] | bool


class _Fields(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Parameter(_Fields):
    """What a user of a composition fills in. In its steps, `{"$param": name}` stands where the value goes.

    An expression is checked where it stands, so it sees what that place sees; `sees` tells people what that is.
    "arguments" are those of a composition that is itself a parameter: what stands in `with` beside it. Where nothing
    is given for one that is not required and has no default, the field that it stands in is left out.
    """

    kind: Literal[
        "expression",
        "endpoint",
        "table",
        "event",
        "action",
        "schema",
        "composition",
        "arguments",
        "text",
        "integer",
        "number",
        "boolean",
        "duration",
        "names",
    ]
    description: str = ""
    sees: str = ""
    default: Any = None
    required: bool = True
    choices: tuple[str, ...] | None = None
    """The texts that may be given, where there are but some."""


class Example(_Fields):
    """A use of a composition, complete: it can be run without anything outside.

    `arguments`, written `with`, are for its parameters; `resources` are what these name. `input` is a value, and
    `input_schema` what is known of it. `results` has by place what the outside answers; `output` is what it comes to.
    """

    arguments: Mapping[str, Any] = Field(default_factory=dict, alias="with")
    resources: Resources = Resources()
    input_schema: JsonSchema = True
    input: Any = None
    results: Mapping[str, Any] = Field(default_factory=dict)
    output: Any = None


class Composition(_Fields):
    """Steps with a name, a version and contracts. It is checked as a whole, and runs as one step of a task.

    Its steps' expressions see `.input`, which is held to `input`, and by id what each step gives that stands before
    them. `result` names the step whose output is the composition's; `output`, where it is given, is held against it.
    `effect` is the strongest that it may have. `example` shows a use of it, and is what `tasker composition run` runs.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")
    version: str = Field(default="1.0.0", min_length=1, max_length=50)
    description: str = ""
    parameters: Mapping[str, Parameter] = Field(default_factory=dict)
    input: JsonSchema = True
    output: JsonSchema | None = None
    effect: Effect | None = None
    steps: tuple[dict[str, Any], ...] = Field(min_length=1)
    result: Any
    example: Example | None = None


class Bounds(_Fields):
    """What a fragment may come to. Tightening one never makes a rejected fragment acceptable."""

    max_steps: int = Field(default=20, ge=1, le=1_000)
    max_depth: int = Field(default=8, ge=1, le=100)
    max_fan_out: int = Field(default=100, ge=0, le=10_000)
    max_work: int = Field(default=1_000, ge=1, le=1_000_000)
    """Invocations in all, with each item of a fan-out counted."""
    max_writes: int = Field(default=3, ge=0, le=10_000)
    """Writes in all, counted in the same way."""
    kinds: tuple[str, ...] | None = None
    """The primitives that may be used; None: all."""
    resources: tuple[str, ...] | None = None
    """The endpoints, tables, events and actions that may be named; None: all."""
    gate_writes: bool = True
    """Whether each write must stand behind a gate, on every way to it."""


WIDEST = Bounds(
    max_steps=1_000,
    max_depth=100,
    max_fan_out=10_000,
    max_work=1_000_000,
    max_writes=10_000,
    gate_writes=False,
)
"""What compositions that people write may come to."""


class Fragment(_Fields):
    """Steps that a planner proposes for a running task. `result` names the step that gives what was asked for."""

    version: Literal["1"]
    steps: tuple[dict[str, Any], ...] = Field(min_length=1)
    result: Id
    rationale: str = Field(default="", max_length=4_000)
