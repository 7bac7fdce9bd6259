"""Handlers in Ruby: blocks, each of which gives an example. Pure."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from tasker.generate.examples import NoExample, make_example
from tasker.generate.files import Generated, Piece
from tasker.generate.naming import one_line, pascal
from tasker.generate.plan import HandlerPlan, Plan, Taken, choose
from tasker.generate.ruby.expressions import (
    FROZEN,
    KEYWORDS,
    has_struct,
    load,
    make,
    quote,
    write,
)
from tasker.generate.source import Source
from tasker.generate.types import ListOf, nullable

__all__ = ["write_handlers"]

_PARAMETER = re.compile(r"[a-z_][a-zA-Z0-9_]*")
_MADE_BY = {"decision": "decision", "batchable": "batch"}


def write_handlers(source: Source) -> Generated:
    """The handlers, each of which gives an example."""
    stubs = [_stub(each, source) for each in source.plan.handlers]
    about = f"# What the steps of {one_line(source.file.name)} do. Yours: tasker generate does not change it."
    body = "\n".join(piece.code for piece in stubs)
    text = f'{FROZEN}{about}\n\nrequire "tasker"\nrequire_relative "{source.name}_types"\n\n{body}'
    return Generated(PurePosixPath(f"{source.name}_handlers.rb"), text, tuple(stubs))


def _stub(each: HandlerPlan, source: Source) -> Piece:
    plan, module = source.plan, f"{pascal(f'{source.name} types')}::"
    direct = [taken for taken in each.takes if taken.source == "input" or _is_parameter(taken.name)]
    others = [taken for taken in each.takes if taken not in direct]
    names = [f"{taken.name}:{' nil' if taken.may_lack else ''}" for taken in direct]
    names += ["ctx:"] if others else []
    value, fill = _result(each, plan, module)
    parameters = f" |{', '.join(names)}|" if names else ""
    head = f"Tasker.{_MADE_BY.get(each.kind, 'step')}({quote(each.handler)})"
    comments = [line for line in (each.description, *fill) if line]
    if each.expands:
        comments.append(
            f"It may return a Tasker::Expansion that asks for {', '.join(each.expands)}."
        )
    comments += [f"Beside these: ctx.results[{quote(taken.name)}]" for taken in others]
    reads = [
        f"  {taken.name} = {_load(plan, taken, module)}"
        for taken in direct
        if has_struct(plan, taken.type)
    ]
    lines = [
        f"{head} do{parameters}",
        *(f"  # {one_line(line)}" for line in comments),
        *reads,
        *([""] if reads else []),
        f"  {value}",
        "end",
    ]
    return Piece(each.handler, "\n".join(lines) + "\n", (quote(each.handler), f"'{each.handler}'"))


def _load(plan: Plan, taken: Taken, module: str) -> str:
    if taken.gathered and taken.gathered.with_failures:
        return taken.name  # a hash of results and failures
    of = nullable(taken.type) if taken.may_lack else taken.type
    return load(plan, of, taken.name, module)


def _is_parameter(name: str) -> bool:
    return bool(_PARAMETER.fullmatch(name)) and name not in KEYWORDS | {"ctx", "context", "input"}


def _result(each: HandlerPlan, plan: Plan, module: str) -> tuple[str, list[str]]:
    """The code of an example of what a handler gives, and what is to be filled in."""
    try:
        value = make_example(each.example)
    except NoExample as error:
        return "raise NotImplementedError", [f"TODO: give what the schema asks for. {error}"]
    match each.kind:
        case "decision":
            chosen = choose(each, value)
            return write(chosen[0] if len(chosen) == 1 else chosen), []
        case "batchable":
            return make(
                plan, ListOf(each.gives), value if isinstance(value, list) else [{}], module
            ), []
        case _:
            return make(plan, each.gives, value, module), []
