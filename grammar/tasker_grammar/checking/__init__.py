"""The checker: says of a composition or a fragment everything that is wrong with it, or gives a program that is ready
to run. Pure.

What it accepts ends complete or in a failure that the program declares, with every value inside its contract. `intake`
takes in whatever there is, `reading` reads steps, `graph` and `ways` say what waits for what and when it runs, `steps`
has each step's primitive check it, through `scope`; `flow`, `bounds` and `ending` judge the whole, `codes` lists what
may be found.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, cast

from pydantic import ValidationError

from tasker_grammar.catalog import Catalog
from tasker_grammar.checking.bounds import check_cost
from tasker_grammar.checking.closing import check_closed, input_fits, is_usable, result_fits
from tasker_grammar.checking.codes import CODES, Code
from tasker_grammar.checking.intake import FRAGMENT, WRITTEN, take
from tasker_grammar.checking.place import Check, Place
from tasker_grammar.checking.reading import Kinds
from tasker_grammar.checking.steps import check_steps
from tasker_grammar.composition import WIDEST, Bounds, Composition, Fragment
from tasker_grammar.contracts import Schema
from tasker_grammar.filling import fill, find_parameter_faults
from tasker_grammar.findings import Finding, GrammarError, is_sound
from tasker_grammar.primitives import PRIMITIVES
from tasker_grammar.primitives.interface import Program
from tasker_grammar.resources import Resources
from tasker_grammar.schema_types import type_of
from tasker_grammar.shape import shape_findings
from tasker_grammar.telling import show
from tasker_grammar.types import Field, Object, Type

__all__ = ["CODES", "Code", "Report", "check_composition", "check_fragment"]


@dataclass(frozen=True, slots=True)
class Report:
    """What a check came to: all findings, in the order of what was checked; and the program, if none is an error."""

    findings: tuple[Finding, ...]
    program: Program | None

    @property
    def sound(self) -> bool:
        """Whether it may run."""
        return self.program is not None

    def require(self) -> Program:
        """The program. Raises GrammarError, with the findings, where there is none."""
        if self.program is None:
            raise GrammarError(self.findings)
        return self.program


def check_composition(
    raw: object,
    resources: Resources,
    compositions: Catalog,
    given: Type | None = None,
    *,
    broken: frozenset[str] = frozenset(),
    bounds: Bounds = WIDEST,
    kinds: Kinds = PRIMITIVES,
) -> Report:
    """Check a composition that has all of its parameters; `raw` is a Composition, or what one is read from.

    `given`: the type of its input where it is used, which must fit the contract of its input; by default all that
    the contract allows. `broken`: {"input"}, where that is unsound itself: what reads it is not looked into, and there
    is no program of it. Whatever is given, this does not raise.
    """
    taken, refused = take(_fields_of(raw), WRITTEN)
    if refused is not None:
        return Report((refused,), None)
    try:
        read = Composition.model_validate(taken)
    except ValidationError as error:
        return _end(shape_findings(error, Composition), None)
    check = Check(resources, compositions, bounds, kinds, find_parameter_faults(read))
    filled = fill(read, {}) if read.parameters or check.findings else read
    if isinstance(filled, list):
        return _end(filled, None)
    if not is_usable(check, "/input", filled.input):
        return _end(check.findings, None)
    if given is not None and not input_fits(check, filled, given):
        return _end(check.findings, None)
    input = type_of(filled.input) if given is None else given
    inside = (f"{filled.name}@{filled.version}",)
    place = Place("/steps", Object({"input": Field(input)}), inside=inside, broken=broken)
    program, _ = check_closed(check, filled, place, check_steps)
    if program is not None:
        check_cost(check, program.cost)
    return _end(check.findings, program)


def check_fragment(
    raw: object,
    resources: Resources,
    compositions: Catalog,
    given: Object,
    *,
    bounds: Bounds | None = None,
    existing: Collection[str] = (),
    result: Schema | None = None,
    kinds: Kinds = PRIMITIVES,
) -> Report:
    """Check a fragment, as it is proposed; `raw` is a Fragment, or what one is read from.

    `given`: what its expressions see beside its steps: `input`, and by name what steps of the task gave that are there
    already. `existing`: names that its steps cannot have. `result`: the contract of what it is to give. Whatever is
    given for a fragment, this does not raise.
    """
    taken, refused = take(_fields_of(raw), FRAGMENT)
    if refused is not None:
        return Report((refused,), None)
    version = cast("dict[str, Any]", taken).get("version") if isinstance(taken, dict) else None
    if version is not None and version != "1":
        what = f"the version is {show(version)}"
        return Report((Finding("P002", "error", what, 'It should be "1".', "/version"),), None)
    try:
        read = Fragment.model_validate(taken)
    except ValidationError as error:
        return _end(shape_findings(error, Fragment), None)
    check = Check(resources, compositions, bounds or Bounds(), kinds)
    place = Place("/steps", given, fragment=True, taken=frozenset(existing))
    program, _ = check_steps(check, read.steps, read.result, place)
    if program is not None:
        check_cost(check, program.cost)
        if result is not None and is_usable(check, "/result", result):
            result_fits(check, program, result, "/result")
    return _end(check.findings, program)


def _fields_of(raw: object) -> object:
    """What a model was read from; else what there is."""
    if not isinstance(raw, Composition | Fragment):
        return raw
    fields = {name: getattr(raw, name) for name in raw.model_fields_set - {"example"}}
    if isinstance(raw, Composition):
        fields["parameters"] = {
            name: parameter.model_dump(exclude_unset=True)
            for name, parameter in raw.parameters.items()
        }
    return fields


def _end(findings: list[Finding], program: Program | None) -> Report:
    ordered = sorted(findings, key=lambda finding: _place_of(finding.path))
    return Report(tuple(ordered), program if is_sound(ordered) else None)


def _place_of(path: str) -> list[tuple[int, str]]:
    """What sorts paths as they stand in a document: places in lists by number."""
    return [(int(p), "") if p.isdecimal() and len(p) < 10 else (0, p) for p in path.split("/")]
