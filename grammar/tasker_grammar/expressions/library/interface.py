"""What a function of the language is: the interface that each group of functions in this folder fills. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tasker_grammar.expressions.codes import Code
from tasker_grammar.expressions.counts import AT_MOST_ONE, ONE, Count, elements_of
from tasker_grammar.expressions.evaluation import Meter
from tasker_grammar.expressions.faults import Fault
from tasker_grammar.expressions.syntax import At, Node
from tasker_grammar.type_algebra import is_all, join_all, may_be, members
from tasker_grammar.type_words import describe
from tasker_grammar.types import Anything, Array, Boolean, Null, Number, Object, String, Type

__all__ = [
    "Function",
    "Site",
    "at_most_one",
    "expect",
    "items_of",
    "length_of",
    "on_value",
    "on_value_and",
    "one",
]

_WORDS: dict[type[Type], str] = {
    Null: "null",
    Boolean: "a boolean",
    Number: "a number",
    String: "a text",
    Array: "a list",
    Object: "an object",
}


class Site(Protocol):
    """Where a function is called: what its types are inferred from."""

    @property
    def at(self) -> At:
        """The place of the call."""
        ...

    @property
    def given(self) -> Type:
        """The type of `.`"""
        ...

    @property
    def arity(self) -> int:
        """How many arguments there are."""
        ...

    def syntax(self, index: int) -> Node:
        """An argument, as it is written."""
        ...

    def one(self, index: int, dot: Type | None = None) -> Type:
        """The type of an argument that gives exactly one value; if it does not, that is reported. `dot`: its `.`"""
        ...

    def many(self, index: int, dot: Type | None = None) -> Type:
        """The type of each value that an argument gives."""
        ...

    def count(self, index: int) -> Count:
        """How many values an argument gives, once it was asked for its type."""
        ...

    def narrowed(self, index: int, truth: bool) -> Type:
        """The type of `.` where an argument, as a condition, comes out so."""
        ...

    def fail(self) -> None:
        """Say that the call may fail by its data."""
        ...


Infer = Callable[[Site], Type]
Counter = Callable[[Sequence[Count]], Count]
Build = Callable[[Sequence[Code]], Code]


@dataclass(frozen=True, slots=True)
class Function:
    """`infer`: the type of each value that it gives; raises Fault. `count`: how many, from those of its arguments.
    `build`: its code, from that of its arguments. `example`: an expression, what it is given, and what it gives.
    """

    name: str
    parameters: tuple[str, ...]
    summary: str
    example: tuple[str, Any, Any]
    infer: Infer
    build: Build
    count: Counter
    reads_input: bool = True
    """Whether it looks at `.` itself."""
    arguments_see_input: bool = False
    """Whether an argument is evaluated with the `.` of the call."""

    @property
    def call(self) -> str:
        """How it is written: `name(parameter; …)`."""
        return f"{self.name}({'; '.join(self.parameters)})" if self.parameters else self.name


def one(counts: Sequence[Count]) -> Count:
    """Exactly one value."""
    return ONE


def at_most_one(counts: Sequence[Count]) -> Count:
    """One or none."""
    return AT_MOST_ONE


def on_value(
    name: str,
    summary: str,
    example: tuple[str, Any, Any],
    infer: Infer,
    apply: Callable[[Meter, Any], Any],
) -> Function:
    """A function of `.` alone."""

    def build(arguments: Sequence[Code]) -> Code:
        return Code.of_one(lambda value, env, meter: apply(meter, value), 1)

    return Function(name, (), summary, example, infer, build, one)


def on_value_and(
    parameter: str,
    name: str,
    summary: str,
    example: tuple[str, Any, Any],
    infer: Infer,
    apply: Callable[[Meter, Any, Any], Any],
) -> Function:
    """A function of `.` and of one value more."""

    def build(arguments: Sequence[Code]) -> Code:
        (argument,) = arguments
        get = argument.single
        return Code.of_one(
            lambda value, env, meter: apply(meter, value, get(value, env, meter)), argument.cost + 1
        )

    return Function(
        name, (parameter,), summary, example, infer, build, one, arguments_see_input=True
    )


def expect(site: Site, *kinds: type[Type], type: Type | None = None) -> Type:
    """The type, all of whose members are of these kinds; by default of `.`. Raises Fault."""
    given = site.given if type is None else type
    if is_all(given, *kinds):
        return given
    wanted = " or ".join(_WORDS[kind] for kind in kinds)
    hint = ""
    if may_be(given, Null):
        hint = "Use `// default` to remove null."
    if isinstance(given, Anything):
        hint = "Declare it in the schema that it comes with, or validate it first."
    code = "X102" if isinstance(given, Anything) else "X103"
    message = f"{wanted} is needed here, not {describe(given)}"
    raise Fault(code, site.at, message, hint, expected=wanted, got=describe(given))


def items_of(site: Site) -> Type:
    """What the elements of `.` are, where it must be a list. Raises Fault."""
    given = expect(site, Array)
    return join_all(member.items for member in members(given) if isinstance(member, Array))


def length_of(type: Type) -> Count:
    """How many elements a list of the type has."""
    return elements_of(*members(type))
