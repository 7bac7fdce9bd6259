"""What an expression reads of what it is given, told from its syntax alone: before anything is known of types. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from tasker_grammar.expressions.library import FUNCTIONS
from tasker_grammar.expressions.syntax import Call, GetField, Identity, Node, Pipe, children

__all__ = ["WHOLE", "fields_read"]

WHOLE = "."
"""Stands for all fields: the expression reads `.` as a whole."""


def fields_read(node: Node) -> frozenset[str]:
    """The outermost names that are read, and WHOLE where all are."""
    return frozenset(_read(node))


def _read(node: Node) -> Iterator[str]:
    """Of a part whose `.` is what the whole expression is given."""
    match node:
        case Identity():
            yield WHOLE
        case GetField(of=Identity()):
            yield node.name
        case Pipe(left=Identity()):
            yield from _read(node.right)
        case Pipe():
            yield from _read(node.left)
        case Call():
            yield from _read_call(node)
        case _:
            for child in children(node):
                yield from _read(child)


def _read_call(node: Call) -> Iterator[str]:
    function = FUNCTIONS.get((node.name, len(node.arguments)))
    if function is None or function.reads_input:
        yield WHOLE
    if function is None or function.arguments_see_input:
        for argument in node.arguments:
            yield from _read(argument)
