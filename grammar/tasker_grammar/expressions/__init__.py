"""Expressions: a typed, total subset of jq. Pure: no environment, files, modules, clock, recursion.

`check` parses a text, infers the type of what it gives from the type of what it is given, and compiles it. What it
accepts gives what jq gives, or fails in a way that it names; whatever would differ from jq is rejected, with a code
and a hint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tasker_grammar.findings import Finding
from tasker_grammar.types import Type

__all__ = ["Budget", "DataError", "Expression", "check"]


@dataclass(frozen=True, slots=True)
class Budget:
    """What one evaluation may use: steps of work, and the nodes of the JSON that it gives."""

    work: int = 1_000_000
    size: int = 200_000


class DataError(Exception):
    """An evaluation that came to no value, though the expression is sound: `code` is DATA_ERROR or OVER_BUDGET."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that was checked.

    `source`: its text. `type`: of what it gives. `references`: the fields of what it is given that it reads, outermost
    names only. `evaluate(value, budget)`: what it gives, for a value of the type that it was checked for; neither
    is changed, and they may share parts. Raises DataError. `can_fail`: whether DATA_ERROR is possible.
    """

    source: str
    type: Type
    references: frozenset[str]
    can_fail: bool
    evaluate: Callable[[Any, Budget], Any]


def check(source: str, given: Type) -> Expression | list[Finding]:
    """The expression, or everything wrong with it. `given` is the type of the value that `.` stands for."""
    raise NotImplementedError
