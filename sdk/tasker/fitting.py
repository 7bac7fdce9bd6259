"""Whether what one handler gives is what another takes, by their annotations. Pure."""

from __future__ import annotations

from typing import assert_never

from tasker.values import Shape
from tasker_grammar.contracts import No, Schema, Undecided, Yes, fits

__all__ = ["find_misfit"]


def find_misfit(given: Shape, given_schema: Schema | None, taken: Shape) -> str | None:
    """Where and why a value of `given` does not fit `taken`, or None when it does.

    `given_schema` describes the values as they will be: dumped, or as a client may send them. What
    is neither annotated nor described is left to run time. The schemas are asked even between a class and itself:
    a class that is written under other names than it is read by does not fit itself. Only where
    they leave it undecided does the relation between the classes count.
    """
    if taken.adapter is None or (given.adapter is None and given_schema is None):
        return None
    taken_schema = taken.accepted
    if given_schema is None or taken_schema is None:
        return None if _is_kind_of(given, taken) else "at $: one of them has no JSON Schema"
    match fits(given_schema, taken_schema):
        case Yes():
            return None
        case No(path, explanation):
            return f"at {path}: {explanation}"
        case Undecided(path, explanation):
            return None if _is_kind_of(given, taken) else f"at {path}: {explanation}"
        case _ as never:
            assert_never(never)


def _is_kind_of(given: Shape, taken: Shape) -> bool:
    one, other = given.annotation, taken.annotation
    if isinstance(one, type) and isinstance(other, type):
        return issubclass(one, other)
    return one == other
