"""What an expression gives, beside what jq gives: they must agree, and what is given must be of the inferred type."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import jq
import jsonschema

from tasker_grammar.expressions import Budget, DataError, Expression, numbers
from tasker_grammar.schema_types import schema_of

Json = Any

BUDGET = Budget()

REFUSED = ("not below 2^53", "no single way to be written", "cannot be made one")
"""In the messages of failures that jq has not: there it would give another number, or text."""


class Judge:
    """Compares one expression with jq, over many values."""

    def __init__(self, expression: Expression) -> None:
        self.expression = expression
        # As text, so that integers beyond 2^53 are not rounded on their way out of the binding.
        self.program = jq.compile(f"({expression.source}\n) | tojson")
        schema = schema_of(expression.type)
        self.validator = jsonschema.Draft202012Validator(schema)

    def judge(self, value: Json) -> str:
        """In one word how the two agree. Raises AssertionError where they do not."""
        before = json.dumps(value)
        ours, failed, negative_zero = _evaluate(self.expression, value)
        assert json.dumps(value) == before, "the value that was given is changed"
        theirs = self.ask(before)
        what = f"{self.expression.source!r} of {before}: {ours!r}, and jq: {theirs!r}"
        if failed is not None:
            return self.judge_failure(failed, theirs, what)
        assert isinstance(theirs, list), what
        errors = [error.message for error in self.validator.iter_errors(ours)]
        assert not errors, f"{what}: {errors}"
        if len(theirs) == 1 and same(ours, theirs[0]):
            return "equal"
        assert negative_zero, what
        return "a zero with a sign"

    def judge_failure(self, failed: DataError, theirs: Any, what: str) -> str:
        if failed.code == "OVER_BUDGET":
            return "over budget"
        assert self.expression.can_fail, f"{what}: it says that it cannot fail, and fails: {failed}"
        if isinstance(theirs, str):
            return "both fail"
        assert any(reason in str(failed) for reason in REFUSED), f"{what}: {failed}"
        return "refused"

    def ask(self, text: str) -> list[Json] | str:
        """What jq gives, or the error."""
        try:
            return [json.loads(each) for each in self.program.input_text(text).all()]
        except ValueError as error:
            return str(error)


def same(one: Json, other: Json) -> bool:
    """Whether they are the same JSON; 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return type(one) is type(other) and one == other if isinstance(one, str) else one == other


def _evaluate(expression: Expression, value: Json) -> tuple[Json, DataError | None, bool]:
    """What is given, or how it fails; and whether a zero was computed of which jq may have kept a sign."""
    zeros: list[str] = []
    with ExitStack() as stack:
        for name in ("multiply", "divide", "negate", "round", "ceil"):
            stack.enter_context(patch.object(numbers, name, _watch(getattr(numbers, name), zeros)))
        try:
            return expression.evaluate(value, BUDGET), None, bool(zeros)
        except DataError as failed:
            return None, failed, bool(zeros)


def _watch(apply: Callable[..., Any], zeros: list[str]) -> Callable[..., Any]:
    def watched(*arguments: Any) -> Any:
        result = apply(*arguments)
        if result == 0:
            zeros.append(apply.__name__)
        return result

    return watched
