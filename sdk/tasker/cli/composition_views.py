"""What the commands about compositions print. Pure."""

import json
from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType

from tasker.cli.composition_runs import Failed, Gave, Outcome, walk_steps
from tasker.cli.tables import make_facts, make_heading, make_table
from tasker_grammar.catalog import Catalog
from tasker_grammar.composition import Composition
from tasker_grammar.effects import EFFECTS
from tasker_grammar.filling import is_optional
from tasker_grammar.primitives.interface import Program
from tasker_grammar.schema_types import schema_of
from tasker_grammar.type_words import describe

_LONGEST = 300


def draw_list(catalog: Catalog) -> RenderableType:
    """One line for each composition."""
    table = make_table("composition", "version", "effect", "what it does")
    for each in catalog:
        summary = each.description.partition(". ")[0].rstrip(".")
        table.add_row(each.name, each.version, each.effect or "", summary)
    return table


def draw_composition(composition: Composition, program: Program) -> RenderableType:
    """What it takes, does and gives."""
    cost = program.cost
    facts = make_facts(
        [
            ("input", describe(program.given.fields["input"].type)),
            ("output", describe(program.output)),
            ("effect", f"{program.effect}: {EFFECTS[program.effect]}"),
            ("can end in", "\n".join(_failures(program))),
            (
                "at most",
                f"{cost.work} step(s) in all, {cost.writes} write(s), {cost.width} at a time",
            ),
        ]
    )
    heading = make_heading(f"{composition.name}@{composition.version}")
    parts: list[RenderableType] = [heading, composition.description, "", facts, ""]
    if composition.parameters:
        parts += [_draw_parameters(composition), ""]
    return Group(*parts, _draw_steps(program))


def draw_run(outcome: Outcome) -> RenderableType:
    """What ran, what it did, and how it ended."""
    table = make_table("step", "kind", "state", "ms")
    for each in outcome.ran:
        state = each.state if each.code is None else f"{each.state}: {each.code}"
        table.add_row(each.place, each.kind, state, f"{each.milliseconds:.1f}")
    parts: list[RenderableType] = [table, ""]
    for act in outcome.acts:
        parts.append(f"{act.place} would {act.kind} {_short(act.what)}")
    match outcome.end:
        case Gave(result):
            parts += [json.dumps(result, indent=2, ensure_ascii=False)]
        case Failed(code, place, message):
            parts += [f"failed at {place}: {message} [{code}]"]
    return Group(*parts)


def say_effect(program: Program) -> str:
    """What it does to the outside, in a line."""
    return f"{program.effect}: {EFFECTS[program.effect]}"


def describe_program(program: Program) -> dict[str, Any]:
    """The same for programs to read, with types as JSON Schemas."""
    cost = program.cost
    return {
        "input": schema_of(program.given.fields["input"].type),
        "output": schema_of(program.output),
        "effect": program.effect,
        "failures": sorted(program.failures),
        "cost": {
            "work": cost.work,
            "writes": cost.writes,
            "width": cost.width,
            "depth": cost.depth,
        },
        "steps": [
            {
                "id": place,
                "kind": step.primitive.kind,
                "after": sorted(step.waits_for),
                "output": schema_of(step.checked.output),
                "effect": step.checked.effect,
                "failures": sorted(step.checked.failures),
            }
            for place, step in walk_steps(program)
        ],
        "result": program.result,
    }


def _failures(program: Program) -> Iterator[str]:
    steps = [step for _, step in walk_steps(program)]
    known = {each.code: each for step in steps for each in step.primitive.failures}
    own = {getattr(each.fields, "code", ""): getattr(each.fields, "message", "") for each in steps}
    for code in sorted(program.failures):
        failure = known.get(code)
        again = " It is tried again." if failure is not None and failure.retryable else ""
        meaning = own.get(code, "") if failure is None else f"{failure.meaning}{again}"
        yield f"{code}: {meaning}" if meaning else code


def _draw_parameters(composition: Composition) -> RenderableType:
    table = make_table("parameter", "kind", "default", "what it is")
    for name, each in composition.parameters.items():
        default = "" if not is_optional(each) else "-"
        if each.default is not None:
            default = each.default if isinstance(each.default, str) else json.dumps(each.default)
        seen = f" Sees {each.sees}." if each.sees else ""
        table.add_row(name, each.kind, default, f"{each.description}{seen}")
    return table


def _draw_steps(program: Program) -> RenderableType:
    table = make_table("step", "kind", "after", "gives")
    for place, step in walk_steps(program):
        mark = " (the result)" if place == program.result else ""
        after = ", ".join(sorted(step.waits_for))
        table.add_row(place, step.primitive.kind, after, describe(step.checked.output) + mark)
    return table


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
