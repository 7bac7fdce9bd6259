"""Handlers in Python: functions, each of which gives an example. Imports black when asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from tasker.generate.examples import NoExample, make_example
from tasker.generate.files import Generated, Piece
from tasker.generate.json_values import items_of
from tasker.generate.naming import Names, one_line, read_words, snake
from tasker.generate.plan import HandlerPlan, Plan, Taken, choose
from tasker.generate.python.code import escape, format_code
from tasker.generate.python.expressions import (
    BUILTINS,
    annotate,
    annotate_taken,
    express,
    is_parameter,
    quotes,
)
from tasker.generate.source import Source
from tasker.generate.types import ListOf

__all__ = ["functions_of", "split_taken", "stub_result", "write_handlers"]

_IMPORTED = read_words("types handler handlers StepContext BatchResults Any Literal pytest")


def write_handlers(source: Source) -> Generated:
    """The module of handlers, each of which gives an example."""
    stubs = [_stub(plan, name, source) for plan, name in functions_of(source.plan)]
    body = "\n\n".join(piece.code for piece in stubs)
    about = f"What the steps of {one_line(source.file.name)} do."
    imports = _imports(body, source) if stubs else ""
    text = (
        f'"""{escape(about)} Yours: tasker generate does not change it."""\n\n{imports}\n\n{body}'
    )
    return Generated(PurePosixPath(f"{source.name}_handlers.py"), format_code(text), tuple(stubs))


def functions_of(plan: Plan) -> Iterator[tuple[HandlerPlan, str]]:
    """Each handler, with what its function is called."""
    names = Names(BUILTINS | _IMPORTED)
    for each in plan.handlers:
        wanted = f"undo_{snake(each.step)}" if each.kind == "compensation" else snake(each.step)
        yield each, names.take(wanted)


def _stub(each: HandlerPlan, name: str, source: Source) -> Piece:
    plan = source.plan
    direct, others = split_taken(each)
    parameters = [f"{taken.name}: {annotate_taken(taken)}" for taken in direct]
    if others:
        parameters.append("ctx: StepContext")
    kind, value, fill = stub_result(each, plan)
    lines = [
        f"@handler({each.handler!r})",
        f"def {name}({', '.join(parameters)}) -> {kind}:",
        f'    """{escape(one_line(each.description) or _about(each))}"""',
        *(f"    # {one_line(line)}" for line in [*_remarks(each, others), *fill]),
        f"    return {value}",
    ]
    code = "\n".join(lines) + "\n"
    return Piece(each.handler, format_code(code), tuple(quotes(each.handler)))


def split_taken(each: HandlerPlan) -> tuple[list[Taken], list[Taken]]:
    """What parameters take, and what is taken out of the context, whose name no parameter can have."""
    direct = [
        taken
        for taken in each.takes
        if taken.source == "input" or (is_parameter(taken.name) and taken.name != "input")
    ]
    return direct, [taken for taken in each.takes if taken not in direct]


def stub_result(each: HandlerPlan, plan: Plan) -> tuple[str, str, list[str]]:
    """What a handler is annotated to give, the code of an example, and what is to be filled in."""
    try:
        value = make_example(each.example)
    except NoExample as error:
        return (
            annotate(each.gives),
            "NotImplemented",
            [f"TODO: give what the schema asks for. {error}"],
        )
    match each.kind:
        case "decision":
            chosen: list[str] = choose(each, value)
            kind = f"Literal[{', '.join(map(repr, each.branches))}]"
            return (
                (kind, repr(chosen[0]), [])
                if len(chosen) == 1
                else (f"list[{kind}]", repr(chosen), [])
            )
        case "batchable":
            items = items_of(value) or [{}]
            return f"list[{annotate(each.gives)}]", express(ListOf(each.gives), items, plan), []
        case _:
            return annotate(each.gives), express(each.gives, value, plan), []


def _about(each: HandlerPlan) -> str:
    match each.kind:
        case "decision":
            return f"Say which of the steps behind {each.step} shall be."
        case "batchable":
            return "Give a list: a worker comes to be for each of its items."
        case "compensation":
            return f"Undo {one_line(each.step)}."
        case _:
            return f"Do {one_line(each.step)}."


def _remarks(each: HandlerPlan, others: list[Taken]) -> list[str]:
    remarks = [
        f"ctx.results.get({taken.name!r}) is {annotate_taken(taken)}, as JSON." for taken in others
    ]
    if each.expands:
        remarks.append(f"It may return an Expansion that asks for {', '.join(each.expands)}.")
    return remarks


def _imports(body: str, source: Source) -> str:
    typing = [name for name in ("Any", "Literal") if f"{name}" in body]
    tasker = [name for name in ("BatchResults", "StepContext", "handler") if name in body]
    lines = [f"from typing import {', '.join(typing)}\n"] if typing else []
    lines.append(f"from tasker import {', '.join(tasker)}\n")
    if "types." in body:
        lines.append(f"import {source.name}_types as types")
    return "\n".join(lines)
