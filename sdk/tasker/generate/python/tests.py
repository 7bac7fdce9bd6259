"""Tests in Python: of each handler alone, and of a task on the real engine. Imports black when asked."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from tasker.generate.examples import NoExample, example_or, make_example
from tasker.generate.files import Generated, Piece
from tasker.generate.naming import one_line
from tasker.generate.plan import Example, HandlerPlan, Plan, Taken
from tasker.generate.python.code import escape, format_code
from tasker.generate.python.expressions import express
from tasker.generate.python.handlers import functions_of, split_taken, stub_result
from tasker.generate.source import Source
from tasker.generate.types import ListOf

__all__ = ["write_tests"]


def write_tests(source: Source) -> Generated:
    """The tests: of each handler alone, and of a task on the real engine."""
    plan, name = source.plan, source.name
    tests = [_handler_test(each, function, plan) for each, function in functions_of(plan)]
    vocabulary = _vocabulary(source)
    resources = ", resources=VOCABULARY.resources" if source.resources else ""
    full = f"{plan.template.namespace}/{plan.template.name}"
    whole = f"""def test_a_task_comes_to_its_end(tasker: Tasker) -> None:
    [loaded] = [
        each
        for each in load_templates(TEMPLATE{", vocabulary=VOCABULARY" if vocabulary else ""})
        if each.template.name == {plan.template.name!r}
    ]
    tasker.register(loaded.template, *handlers_in(vars(handlers)){resources})
    task = tasker.submit({full!r}, INPUT)
    task.finish()
    assert task.status()["state"] == "complete"
"""
    body = "\n\n".join(piece.code for piece in tests)
    given = f"INPUT = {_given(plan)}"
    used = [word for word in ("BatchResults", "StepContext") if f"{word}(" in body]
    typed = "types." in body + given
    imports = f"""from pathlib import Path{chr(10) + "from uuid import uuid4" if "uuid4" in body else ""}

from tasker import {", ".join([*used, "load_templates", *(["load_vocabulary"] if vocabulary else [])])}
from tasker.binding import handlers_in
from tasker.testing import Tasker

import {name}_handlers as handlers
{f"import {name}_types as types" if typed else ""}

{given}
TEMPLATE = Path(__file__).parent / {source.location!r}
{vocabulary}"""
    about = f"The handlers of {one_line(source.file.name)}, alone and on the real engine."
    text = f'"""{escape(about)} Yours: tasker generate does not change it."""\n\n{imports}\n\n{body}\n\n{whole}'
    return Generated(PurePosixPath(f"test_{name}.py"), format_code(text), tuple(tests))


def _vocabulary(source: Source) -> str:
    """What the template's compositions name, as code; nothing where it was generated without."""
    if source.resources is None and not source.compositions:
        return ""
    here = "Path(__file__).parent"
    resources = "None" if source.resources is None else f"{here} / {source.resources!r}"
    compositions = ", ".join(f"{here} / {each!r}" for each in source.compositions)
    return f"VOCABULARY = load_vocabulary({resources}, [{compositions}])\n"


def _handler_test(each: HandlerPlan, name: str, plan: Plan) -> Piece:
    direct, others = split_taken(each)
    arguments = [f"{taken.name}={_argument(taken, plan)}" for taken in direct]
    if others:
        results = {taken.name: example_or(taken.example, None) for taken in others}
        arguments.append(
            f"ctx=StepContext(task_id=uuid4(), namespace={plan.template.namespace!r},"
            f" template={plan.template.name!r}, version={plan.template.version!r},"
            f" step_name={each.step!r}, results={results!r})"
        )
    _, value, fill = stub_result(each, plan)
    check = f"assert result {'is' if value in ('True', 'False', 'None') else '=='} {value}"
    if each.kind == "decision":
        check = (
            f"assert result in {each.branches!r}"
            if not value.startswith("[")
            else f"assert set(result) <= {set(each.branches)!r}"
        )
    elif fill:
        check = "assert result is NotImplemented  # TODO"
    function = f"test_{name}"
    code = f"def {function}() -> None:\n    result = handlers.{name}({', '.join(arguments)})\n    {check}\n"
    return Piece(function, format_code(code), (f"handlers.{name}",))


def _argument(taken: Taken, plan: Plan) -> str:
    if taken.source == "input" and taken.type == plan.input:
        return "INPUT"
    value = example_or(taken.example, None)
    if taken.gathered and taken.gathered.with_failures:
        results = express(ListOf(taken.gathered.of), value["results"], plan)
        return f"BatchResults(results={results})"
    return express(taken.type, value, plan)


def _given(plan: Plan) -> str:
    """An example of a task's input, as code."""
    schema = plan.template.input_schema
    try:
        value: Any = {} if schema is None else make_example(Example(schema))
    except NoExample:
        return "None  # TODO: give what the schema asks for"
    return express(plan.input, value, plan)
