"""The use of a named composition in a step: it is filled in, and checked for this place, as if it stood there. Pure but
for the findings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from tasker_grammar.checking.closing import check_closed, input_fits
from tasker_grammar.checking.place import DEEPEST, Check
from tasker_grammar.composition import WIDEST, Composition
from tasker_grammar.filling import fill, parameter_places
from tasker_grammar.findings import Finding
from tasker_grammar.primitives.interface import Program
from tasker_grammar.telling import pointer
from tasker_grammar.types import Field, Object, Type

if TYPE_CHECKING:
    from tasker_grammar.checking.scope import StepScope

__all__ = ["use"]


def use(
    scope: StepScope, field: str, name: str, arguments: Mapping[str, Any], input: Type
) -> Program | None:
    """The composition's program. Whatever is found in it is reported at the step that uses it."""
    found = scope.check.compositions.find_or_explain(name)
    if isinstance(found, Finding):
        scope.add(field, [found])
        return None
    own_name = f"{found.name}@{found.version}"
    if own_name in scope.place.inside:
        what = f"{own_name} would use itself: {' → '.join((*scope.place.inside, own_name))}"
        scope.report("G111", field, what, "Take the composition out of what it is made of.")
        return None
    if len(scope.place.inside) >= DEEPEST:
        scope.report_depth(field)
        return None
    if scope.place.fragment and not _are_plain(scope, found, arguments):
        return None
    filled = fill(found, arguments)
    if isinstance(filled, list):
        scope.add("", [_from_filling(each, found, field) for each in filled])
        return None
    return _check(scope, field, found, filled, input)


def _check(
    scope: StepScope, field: str, unfilled: Composition, filled: Composition, input: Type
) -> Program | None:
    outer = scope.check
    bounds = outer.bounds.model_copy(update={"max_steps": WIDEST.max_steps, "kinds": None})
    inner = Check(outer.resources, outer.compositions, bounds, outer.kinds)
    label = scope.label_of(scope.read)
    place = replace(
        scope.place,
        path="/steps",
        step=None,
        given=Object({"input": Field(input)}),
        labels={"input": label},
        fragment=False,
        depth=scope.place.depth + 1,
        broken=frozenset(),
        taken=frozenset(),
        inside=(*scope.place.inside, f"{filled.name}@{filled.version}"),
    )
    program, label = None, 0
    if input_fits(inner, filled, input):
        program, label = check_closed(inner, filled, place, scope.inner)
    scope.inner_label = max(scope.inner_label, label)
    if inner.findings:
        places = parameter_places(unfilled)
        scope.add("", [_from_within(each, filled, places, field) for each in inner.findings])
    return program


def _are_plain(scope: StepScope, composition: Composition, arguments: Mapping[str, Any]) -> bool:
    """Whether the arguments hold no schema of their own: a fragment can only name those of the resources."""
    loose = [
        name
        for name, value in arguments.items()
        if (parameter := composition.parameters.get(name)) is not None
        and _may_hold_schema(parameter.kind, value)
    ]
    for name in loose:
        scope.report_own_schema(pointer(("with", name)))
    return not loose


def _may_hold_schema(kind: str, value: Any) -> bool:
    match kind:
        case "schema":
            return not isinstance(value, str)
        case "arguments":
            return isinstance(value, dict) and any(
                isinstance(each, dict | list) for each in cast("dict[str, Any]", value).values()
            )
        case _:
            return False


def _from_filling(finding: Finding, composition: Composition, field: str) -> Finding:
    """What filling in found: about an argument, or about the composition itself."""
    if finding.path.startswith("/with"):
        return finding
    return _from_within(finding, composition, {}, field)


def _from_within(
    finding: Finding, composition: Composition, places: Mapping[str, str], field: str
) -> Finding:
    """What was found within a composition, as it is told to whoever uses it: at what it is about of what they wrote."""
    if finding.code == "C308" and finding.step is None:
        return replace(finding, path="/input")
    parameter = next((n for at, n in places.items() if _is_below(finding.path, at)), None)
    path = field if parameter is None else pointer(("with", parameter))
    where = f"in {composition.name}@{composition.version} at {finding.path or '/'}"
    message = f"{finding.message} ({where})"
    at = None if parameter is None else finding.at
    return replace(finding, path=path, message=message, at=at)


def _is_below(path: str, above: str) -> bool:
    return path == above or path.startswith(f"{above}/")
