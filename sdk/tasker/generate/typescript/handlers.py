"""Handlers in TypeScript: constants, each of which gives an example. Starts Node, which lays them out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from tasker.generate.examples import NoExample, make_example
from tasker.generate.files import Generated, Piece
from tasker.generate.naming import Names, camel, one_line, read_words
from tasker.generate.plan import HandlerPlan, Plan, Taken, choose
from tasker.generate.source import Source
from tasker.generate.typescript.expressions import (
    RESERVED,
    annotate,
    annotate_taken,
    key,
    quote,
    write,
)
from tasker.generate.typescript.tool import format_code

__all__ = ["constants_of", "stub_result", "write_handlers"]

_MADE_BY = {
    "decision": "decision",
    "batchable": "batch",
    "batch_worker": "batchWorker",
    "compensation": "compensation",
}
_IMPORTED = read_words(
    "assert batch batchWorker compensation decision input runHandler step test types"
)


def write_handlers(source: Source) -> Generated:
    """The module of handlers, each of which gives an example."""
    stubs = [_stub(each, name, source.plan) for each, name in constants_of(source.plan)]
    body = "\n".join(piece.code for piece in stubs)
    makers = sorted({_MADE_BY.get(each.kind, "step") for each in source.plan.handlers})
    about = f"// What the steps of {one_line(source.file.name)} do. Yours: tasker generate does not change it."
    typed = ["type BatchResults"] if "BatchResults<" in body else []
    imports = f'import {{ {", ".join([*typed, *makers])} }} from "tasker-pg";\n'
    if "types." in body:
        imports += f'\nimport type * as types from "./{source.name}_types.ts";\n'
    text = f"{about}\n\n{imports}\n{body}"
    return Generated(PurePosixPath(f"{source.name}_handlers.ts"), format_code(text), tuple(stubs))


def constants_of(plan: Plan) -> Iterator[tuple[HandlerPlan, str]]:
    """Each handler, with what its constant is called."""
    names = Names(RESERVED | _IMPORTED)
    for each in plan.handlers:
        wanted = f"undo {each.step}" if each.kind == "compensation" else each.step
        yield each, names.take(camel(wanted))


def _stub(each: HandlerPlan, name: str, plan: Plan) -> Piece:
    value, fill = stub_result(each)
    comments = [one_line(each.description)] if each.description else []
    if each.expands:
        comments.append(
            f"It may return an Expansion that asks for {', '.join(map(one_line, each.expands))}."
        )
    lines = [f"// {line}\n" for line in [*comments, *fill]]
    made = f"export const {name} = {_MADE_BY.get(each.kind, 'step')}"
    call = f"{made}<{', '.join(_parameters(each, plan))}>({quote(each.handler)}, ({_call(each)}) => {_wrap(value)});\n"
    return Piece(each.handler, "".join(lines) + call, (quote(each.handler), f"'{each.handler}'"))


def _wrap(value: str) -> str:
    return f"({value})" if value.startswith("{") else value


def _call(each: HandlerPlan) -> str:
    """The parts of the call that a handler takes."""
    parts = ["item"] if each.kind == "batch_worker" else []
    if any(taken.source == "input" for taken in each.takes):
        parts.append("input")
    if each.kind == "compensation":
        parts += ["undoes", "undone"]
    if _parents(each):
        parts.append("results")
    return f"{{ {', '.join(parts)} }}" if parts else ""


def _parents(each: HandlerPlan) -> list[Taken]:
    """What a handler finds in `results`."""
    if each.kind == "batch_worker":
        return []
    own = each.step if each.kind == "compensation" else None
    return [taken for taken in each.takes if taken.source != "input" and taken.name != own]


def _parameters(each: HandlerPlan, plan: Plan) -> list[str]:
    """The types of a handler, in the order in which the library takes them."""
    given = next(
        (annotate(taken.type) for taken in each.takes if taken.source == "input"), "unknown"
    )
    parents = _parents(each)
    fields = [
        f"{key(one.name)}{'?' if one.may_lack else ''}: {annotate_taken(one)}" for one in parents
    ]
    results = [f"{{ {'; '.join(fields)} }}"] if fields else []
    match each.kind:
        case "decision":
            return [given, " | ".join(map(quote, each.branches)), *results]
        case "batch_worker":
            item = next(
                (annotate(one.type) for one in each.takes if one.source == "item"), "unknown"
            )
            return [item, annotate(each.gives), given]
        case "compensation":
            undone = next(
                (annotate_taken(one) for one in each.takes if one.name == each.step), "unknown"
            )
            return [given, undone, *results]
        case _:
            return [given, annotate(each.gives), *results]


def stub_result(each: HandlerPlan) -> tuple[str, list[str]]:
    """The code of an example of what a handler gives, and what is to be filled in."""
    try:
        value = make_example(each.example)
    except NoExample as error:
        return "null as never", [f"TODO: give what the schema asks for. {one_line(str(error))}"]
    match each.kind:
        case "decision":
            chosen = choose(each, value)
            return write(chosen[0] if len(chosen) == 1 else chosen), []
        case "batchable":
            return write(value if isinstance(value, list) else [{}]), []
        case _:
            return write(value), []
