"""Composition steps: what a template keeps of one, and the program that a worker makes of that again. Pure.

A template keeps the composition closed: its parameters filled in, and with it all compositions that it uses. So a task
runs what its template was registered with, whatever becomes of the catalog; and a worker, which trusts no template,
checks just that against its own resources.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from tasker_grammar import expressions
from tasker_grammar.catalog import Catalog
from tasker_grammar.checking import check_composition
from tasker_grammar.composition import Composition
from tasker_grammar.contracts import Schema
from tasker_grammar.effects import Effect
from tasker_grammar.expressions import DataError, Expression
from tasker_grammar.filling import fill
from tasker_grammar.findings import Finding
from tasker_grammar.primitives.interface import Program
from tasker_grammar.resources import Resources
from tasker_grammar.running.evaluating import evaluate
from tasker_grammar.schema_types import schema_of, type_of
from tasker_grammar.shape import shape_findings
from tasker_grammar.types import Anything, Object
from tasker_grammar.types import Field as TypeField
from tasker_grammar.world import ActionFailed, Compute

__all__ = ["Runnable", "Written", "close", "dump", "reopen"]

_INPUT = ".input"
_USES = TypeAdapter(tuple[Composition, ...])


@dataclass(frozen=True, slots=True)
class Written:
    """A step as it was written: a composition, by name, as it stands in YAML, or read; its arguments, and the
    expression of its input.
    """

    composition: object
    arguments: Mapping[str, Any]
    input: str = _INPUT


@dataclass(frozen=True, slots=True)
class Runnable:
    """A composition step that passed the check. `takes`: the names of what its input is made of."""

    input: Expression
    program: Program

    @property
    def takes(self) -> frozenset[str]:
        """The names that the input's expression refers to: "input", and steps."""
        return self.input.references

    @property
    def effect(self) -> Effect:
        """The strongest effect of its steps."""
        return self.program.effect

    @property
    def result_schema(self) -> Schema:
        """What it gives."""
        return schema_of(self.program.output)

    async def read_input(self, given: Mapping[str, Any], compute: Compute) -> Any:
        """The composition's input. Raises ActionFailed."""
        try:
            return await evaluate(self.input, given, compute)
        except DataError as error:
            raise ActionFailed(error.code, f"{error}, in its input") from None


def close(
    written: Written,
    given: Mapping[str, TypeField],
    resources: Resources,
    compositions: Catalog,
    broken: Set[str] = frozenset(),
) -> tuple[dict[str, Any], Runnable | None, list[Finding]]:
    """What a template keeps of a step, whose expression sees `given`: its config. And the step as it would run, if no
    finding is an error, and it reads nothing that is `broken` itself: names of which it was told elsewhere.
    """
    named = written.composition
    found = named if isinstance(named, Composition) else compositions.find_or_explain(named)
    if isinstance(found, Finding):
        return {}, None, [found.below("/composition")]
    filled = fill(found, written.arguments)
    if not isinstance(filled, Composition):
        return {}, None, filled
    names = expressions.references(written.input)
    if not isinstance(names, list) and names & broken:
        report = check_composition(filled, resources, compositions, broken=frozenset({"input"}))
        return {}, None, list(report.findings)
    runnable, findings = _check(filled, written.input, given, resources, compositions)
    config: dict[str, Any] = {"composition": dump(filled)}
    if runnable is not None and (used := _uses(runnable.program)):
        config["uses"] = [dump(each) for name in used if (each := compositions.find(name))]
    if written.input != _INPUT:
        config["input"] = written.input
    return config, runnable, findings


def reopen(
    config: Mapping[str, Any], takes: Schema | None, resources: Resources
) -> tuple[Runnable | None, list[Finding]]:
    """The step that a template has kept, checked as if it were new. `takes`: the step's input schema."""
    try:
        composition = Composition.model_validate(config.get("composition"))
        uses = _USES.validate_python(config.get("uses", ()))
    except ValidationError as error:
        return None, shape_findings(error, Composition)
    taken = type_of({"type": "object"} if takes is None else takes)
    given = dict(taken.fields) if isinstance(taken, Object) else {}
    given.setdefault("input", TypeField(Anything()))
    source = str(config.get("input", _INPUT))
    return _check(composition, source, given, resources, Catalog(uses))


def _check(
    composition: Composition,
    source: str,
    given: Mapping[str, TypeField],
    resources: Resources,
    compositions: Catalog,
) -> tuple[Runnable | None, list[Finding]]:
    value = expressions.check(source, Object(given))
    if not isinstance(value, Expression):
        return None, [finding.below("/input") for finding in value]
    report = check_composition(composition, resources, compositions, value.type)
    if report.program is None:
        return None, list(report.findings)
    return Runnable(value, report.program), list(report.findings)


def _uses(program: Program) -> dict[str, None]:
    """The compositions that a program uses, by the names under which it does, and those that they use."""
    names: dict[str, None] = {}
    for step in program.steps:
        for name, inner in step.checked.inside.items():
            names |= ({name: None} if step.primitive.kind == "compose" else {}) | _uses(inner)
    return names


def dump(composition: Composition) -> dict[str, Any]:
    """A composition as it may be read again, without what says nothing."""
    return composition.model_dump(mode="json", exclude_defaults=True, exclude={"example"})
