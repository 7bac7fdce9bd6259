"""A step from one type to another, and how two become one. Pure.

A step is not run: it is built into steps of a composition, when it is known what its input is called there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, assert_never

from tasker.errors import DefinitionError, Fault
from tasker_grammar.contracts import No, Schema, Undecided, Yes, fits
from tasker_grammar.resources import Resource

__all__ = ["Build", "Built", "Names", "Step", "after", "apply", "close", "hold", "join", "narrower"]

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)
Next = TypeVar("Next")


class Names:
    """Gives each step of a composition an id of its own."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def choose(self, wanted: str) -> str:
        """The id wanted, or that with a number behind it."""
        count = self._taken[wanted] = self._taken.get(wanted, 0) + 1
        return wanted if count == 1 else self.choose(f"{wanted}_{count}")


@dataclass(frozen=True, slots=True)
class Built:
    """Steps as a composition has them. `value`: the expression of what they give. `before`: the ids of the steps that
    whatever follows must come after, though it does not read what they give.
    """

    steps: tuple[dict[str, Any], ...]
    value: str
    before: frozenset[str] = frozenset()


Build = Callable[[str, frozenset[str], Names], Built]
"""Builds a step, given the expression of its input, and the steps that it must come after."""


@dataclass(frozen=True, slots=True)
class Step(Generic[In, Out]):
    """A step that is given an `In`, and gives an `Out`. `a >> b` is the step that does a, and b with what a gave.

    `accepts` and `gives` are the two as JSON Schemas; `gives` is None where it gives what it is given. `code`: of the
    finding where it is given something else. `outside`: the resources that it names, by kind and name.
    """

    accepts: Schema
    gives: Schema | None
    build: Build = field(repr=False)
    code: str = "C308"
    outside: Mapping[tuple[str, str], Resource] = field(
        default_factory=dict[tuple[str, str], Resource], repr=False
    )

    @property
    def output(self) -> Schema:
        """What it gives for all that it accepts."""
        return self.accepts if self.gives is None else self.gives

    def __rshift__(self, other: Step[Out, Next]) -> Step[In, Next]:
        """Raises `DefinitionError`, with the code of the finding, where what this gives does not fit the other."""
        hold(self.output, other.accepts, other.code)

        def build(value: str, before: frozenset[str], names: Names) -> Built:
            first = self.build(value, before, names)
            second = other.build(first.value, first.before, names)
            return Built((*first.steps, *second.steps), second.value, second.before)

        outside = join(self.outside, other.outside)
        gives = self.gives if other.gives is None else other.gives
        return Step(self.accepts, gives, build, self.code, outside)


def apply(expression: str, value: str) -> str:
    """An expression about `.`, as one about what `value` gives."""
    end = "\n" if "#" in expression else ""  # a comment would take the parenthesis with it
    return value if expression == "." else f"{value} | ({expression}{end})"


def close(built: Built, names: Names) -> tuple[list[dict[str, Any]], str]:
    """What was built as steps with a result: the id of a step that gives it, after all that must come before."""
    own = built.value.removeprefix(".")
    if not built.before and any(step["id"] == own for step in built.steps):
        return [*built.steps], own
    result = {"id": names.choose("result"), "kind": "transform", "value": built.value}
    return [*built.steps, after(result, built.before)], result["id"]


def after(step: dict[str, Any], before: frozenset[str]) -> dict[str, Any]:
    """A step that comes after others, whether it reads what they give or not."""
    return {**step, "needs": sorted(before)} if before else step


def hold(given: Schema, taken: Schema, code: str) -> None:
    """Raise `DefinitionError` where something that is given does not fit what is taken."""
    verdict = fits(given, taken)
    match verdict:
        case Yes():
            return
        case No() | Undecided():
            what = f"these steps do not fit: at {verdict.path}: {verdict.explanation}"
            fault = Fault((), what, "Put a step between them that reshapes it.", code, "error")
            raise DefinitionError(f"{fault} [{code}]", [fault])
        case _:
            assert_never(verdict)


def narrower(one: Schema, other: Schema) -> Schema:
    """The one of the two that fits the other: what it allows, both take. Raises `DefinitionError` for neither."""
    if isinstance(fits(one, other), Yes):
        return one
    hold(other, one, "C308")
    return other


def join(
    one: Mapping[tuple[str, str], Resource], other: Mapping[tuple[str, str], Resource]
) -> Mapping[tuple[str, str], Resource]:
    """The resources of both. Raises `DefinitionError` where they have different ideas of one."""
    for key in one.keys() & other.keys():
        if one[key] != other[key]:
            kind, name = key
            raise DefinitionError(f"the {kind} {name} has different types in different steps")
    return {**one, **other}
