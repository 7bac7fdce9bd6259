"""Tests in Ruby: of each handler, without a worker. Pure."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from tasker.generate.examples import NoExample, example_or, make_example
from tasker.generate.files import Generated, Piece
from tasker.generate.naming import Names, one_line, pascal, snake
from tasker.generate.plan import Example, HandlerPlan, Plan, choose
from tasker.generate.ruby.expressions import (
    FROZEN,
    RESERVED,
    quote,
    write,
)
from tasker.generate.source import Source

__all__ = ["write_tests"]


def write_tests(source: Source) -> Generated:
    """The tests of the handlers, without a worker."""
    plan, names = source.plan, Names(RESERVED)
    tests = [_test(each, names.take(snake(each.handler)), plan) for each in plan.handlers]
    about = f"# The handlers of {one_line(source.file.name)}, alone. Yours: tasker generate does not change it."
    body = "\n".join(piece.code for piece in tests)
    text = (
        f'{FROZEN}{about}\n\nrequire "minitest/autorun"\nrequire "tasker/testing"\n'
        f'require_relative "../{source.name}_handlers"\n\n'
        f"class Test{pascal(source.name)} < Minitest::Test\n"
        f"  INPUT = {write(example_or(Example(plan.template.input_schema), {}))}.freeze\n\n{body}end\n"
    )
    return Generated(PurePosixPath(f"test/test_{source.name}.rb"), text, tuple(tests))


def _test(each: HandlerPlan, name: str, plan: Plan) -> Piece:
    results = {
        taken.name: example_or(taken.example, None)
        for taken in each.takes
        if taken.source != "input"
    }
    given = f"{quote(each.handler)}, input: INPUT" + (
        f", results: {write(results)}" if results else ""
    )
    if each.kind == "compensation":
        undone = {"name": each.step, "idempotency_key": "1", "completed": True}
        given += f', kind: "compensation", undoes: {write(undone)}'
    try:
        value: Any = make_example(each.example)
        if each.kind == "decision":
            value = choose(each, value)
        elif each.kind == "batchable" and not isinstance(value, list):
            value = [{}]
        check = (
            "assert_nil run.result"
            if value is None
            else f"assert_equal({write(value)}, run.result)"
        )
    except NoExample:
        check = 'assert_equal "NotImplementedError", run.error["type"]'
    code = f"  def test_{name}\n    run = Tasker::Testing.run({given})\n    {check}\n  end\n"
    return Piece(each.handler, code, (quote(each.handler), f"'{each.handler}'"))
