"""The syntax tree of an expression, and how to walk it. Pure.

Each node has `at`: the place of its text, as the first character and the one after the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal as Choice
from typing import TypeAlias

__all__ = [
    "At",
    "Binary",
    "Bind",
    "Call",
    "Comma",
    "Each",
    "Either",
    "GetField",
    "Identity",
    "If",
    "Index",
    "ListOf",
    "Literal",
    "Logic",
    "Negate",
    "Node",
    "ObjectOf",
    "Pipe",
    "Slice",
    "Text",
    "Variable",
    "children",
]

At = tuple[int, int]
Arithmetic = Choice["+", "-", "*", "/", "%"]
Comparison = Choice["==", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Identity:
    """`.`"""

    at: At


@dataclass(frozen=True, slots=True)
class GetField:
    """`of.name`. `name_at`: where the name stands."""

    at: At
    of: Node
    name: str
    name_at: At


@dataclass(frozen=True, slots=True)
class Index:
    """`of[index]`; the index is evaluated with the `.` that the whole is."""

    at: At
    of: Node
    index: Node


@dataclass(frozen=True, slots=True)
class Slice:
    """`of[start:end]`"""

    at: At
    of: Node
    start: Node | None
    end: Node | None


@dataclass(frozen=True, slots=True)
class Each:
    """`of[]`"""

    at: At
    of: Node


@dataclass(frozen=True, slots=True)
class Literal:
    """null, true, false, a number, or a text without holes."""

    at: At
    value: bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Text:
    """`"a \\(hole) b"`"""

    at: At
    parts: tuple[str | Node, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """`[body]`, or `[]`"""

    at: At
    body: Node | None


@dataclass(frozen=True, slots=True)
class ObjectOf:
    """`{key: value, …}`, each with the place of its key."""

    at: At
    entries: tuple[tuple[str, Node, At], ...]


@dataclass(frozen=True, slots=True)
class Pipe:
    """`left | right`"""

    at: At
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Comma:
    """`left, right`"""

    at: At
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Either:
    """`left // right`"""

    at: At
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic:
    """`left and right`, `left or right`"""

    at: At
    operator: Choice["and", "or"]
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic or a comparison."""

    at: At
    operator: Arithmetic | Comparison
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Negate:
    """`-of`"""

    at: At
    of: Node


@dataclass(frozen=True, slots=True)
class If:
    """`if condition then then else otherwise end`; without an else, `.`"""

    at: At
    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Bind:
    """`value as $name | body`"""

    at: At
    value: Node
    name: str
    body: Node


@dataclass(frozen=True, slots=True)
class Variable:
    """`$name`"""

    at: At
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """`name`, `name(argument; …)`"""

    at: At
    name: str
    arguments: tuple[Node, ...]


Node: TypeAlias = (
    Identity
    | GetField
    | Index
    | Slice
    | Each
    | Literal
    | Text
    | ListOf
    | ObjectOf
    | Pipe
    | Comma
    | Either
    | Logic
    | Binary
    | Negate
    | If
    | Bind
    | Variable
    | Call
)


def children(node: Node) -> Iterator[Node]:
    """The parts of a node, in the order of their text."""
    match node:
        case Identity() | Literal() | Variable():
            return
        case GetField() | Each() | Negate():
            yield node.of
        case Index():
            yield from (node.of, node.index)
        case Slice():
            yield from (part for part in (node.of, node.start, node.end) if part is not None)
        case Text():
            yield from (part for part in node.parts if not isinstance(part, str))
        case ListOf():
            yield from () if node.body is None else (node.body,)
        case ObjectOf():
            yield from (value for _, value, _ in node.entries)
        case Pipe() | Comma() | Either() | Logic() | Binary():
            yield from (node.left, node.right)
        case If():
            yield from (node.condition, node.then, node.otherwise)
        case Bind():
            yield from (node.value, node.body)
        case Call():
            yield from node.arguments
