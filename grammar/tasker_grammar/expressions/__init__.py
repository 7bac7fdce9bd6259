"""Expressions: a typed, total subset of jq. Pure: no environment, files, modules, clock, recursion.

`check` parses a text, infers the type of what it gives from the type of what it is given, and compiles it. What it
accepts gives what jq gives, or fails in a way that it names; whatever would differ from jq is rejected, with a code
and a hint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tasker_grammar.expressions.codes import Code
from tasker_grammar.expressions.compiler import compile
from tasker_grammar.expressions.evaluation import Budget, DataError, Meter
from tasker_grammar.expressions.faults import Fault
from tasker_grammar.expressions.inference import Inference
from tasker_grammar.expressions.parser import parse
from tasker_grammar.expressions.reads import WHOLE, fields_read
from tasker_grammar.expressions.sizes import hold_size
from tasker_grammar.expressions.syntax import Node
from tasker_grammar.findings import Finding
from tasker_grammar.type_algebra import members
from tasker_grammar.types import Object, Type

__all__ = ["Budget", "DataError", "Expression", "check", "references"]


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
    try:
        node = parse(source)
    except Fault as fault:
        return [fault.finding]
    inference = Inference()
    type = inference.infer_whole(node, given)
    if inference.findings:
        return inference.findings
    names = fields_read(node)
    if WHOLE in names:
        names = frozenset(
            name for m in members(given) if isinstance(m, Object) for name in m.fields
        )
    return Expression(source, type, names, inference.can_fail, _evaluation(node))


def references(source: str) -> frozenset[str] | list[Finding]:
    """The fields of `.` that a text reads, outermost names only, or what is wrong with its syntax.

    For who asks before anything is known of types. An expression that reads `.` as it is names none by that.
    """
    try:
        return _names(source)
    except Fault as fault:
        return [fault.finding]


@lru_cache(maxsize=1_024)
def _names(source: str) -> frozenset[str]:
    return fields_read(parse(source)) - {WHOLE}


def _evaluation(node: Node) -> Callable[[Any, Budget], Any]:
    """Compiled when it is first evaluated: most expressions are checked more often than they run."""
    code: Code | None = None

    def evaluate(value: Any, budget: Budget) -> Any:
        nonlocal code
        code = code or compile(node)
        meter = Meter(budget.work)
        meter.spend(code.cost)
        try:
            found = code.single(value, (), meter)
            hold_size(found, budget.size)
        except RecursionError:
            raise DataError("OVER_BUDGET", "the data is nested too deep") from None
        return found

    return evaluate
