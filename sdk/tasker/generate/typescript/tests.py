"""Tests in TypeScript: of each handler, without a worker. Starts Node, which lays them out."""

from __future__ import annotations

from pathlib import PurePosixPath

from tasker.generate.examples import example_or
from tasker.generate.files import Generated, Piece
from tasker.generate.naming import one_line
from tasker.generate.plan import Example, HandlerPlan, Plan
from tasker.generate.source import Source
from tasker.generate.typescript.expressions import (
    quote,
    write,
)
from tasker.generate.typescript.handlers import constants_of, stub_result
from tasker.generate.typescript.tool import format_code

__all__ = ["write_tests"]


def write_tests(source: Source) -> Generated:
    """The tests of the handlers, without a worker."""
    plan = source.plan
    tests = [_test(each, name, plan) for each, name in constants_of(plan)]
    body = "\n".join(piece.code for piece in tests)
    about = f"// The handlers of {one_line(source.file.name)}, alone. Yours: tasker generate does not change it."
    used = [name for _, name in constants_of(plan)]
    text = (
        f"{about}\n\n"
        'import assert from "node:assert/strict";\nimport { test } from "node:test";\n\n'
        'import { runHandler } from "tasker-pg/testing";\n\n'
        f'import {{ {", ".join(sorted(used))} }} from "./{source.name}_handlers.ts";\n\n'
        f"const input = {write(example_or(Example(plan.template.input_schema), {}))};\n\n{body}"
    )
    return Generated(PurePosixPath(f"{source.name}.test.ts"), format_code(text), tuple(tests))


def _test(each: HandlerPlan, name: str, plan: Plan) -> Piece:
    value, fill = stub_result(each)
    results = {
        taken.name: example_or(taken.example, None)
        for taken in each.takes
        if taken.source != "input"
    }
    given = ["input"] if not results else ["input", f"results: {write(results, '  ')}"]
    if each.kind == "compensation":
        given.append(
            f'undoes: {{ name: {quote(each.step)}, idempotencyKey: "1", completed: true }}'
        )
    title = quote(f"{each.handler} gives its example")
    expected = "null" if fill else value
    code = (
        f"test({title}, async () => {{\n"
        f"  const run = await runHandler({name}, {{ {', '.join(given)} }});\n"
        f'  assert.deepEqual(run.outcome, {{ outcome: "complete", result: {_indent(expected)} }});\n'
        "});\n"
    )
    return Piece(each.handler, code, (name,))


def _indent(value: str) -> str:
    return value.replace("\n", "\n  ")
