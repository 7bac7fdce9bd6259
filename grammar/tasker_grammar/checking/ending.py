"""What comes of steps: whether the result is always there, whether each can run, and whether any does so for nothing.
Pure but for the findings.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tasker_grammar.checking.graph import Graph, ancestors_of
from tasker_grammar.checking.place import Check, Place
from tasker_grammar.checking.reading import Step
from tasker_grammar.checking.ways import Ways
from tasker_grammar.findings import Finding
from tasker_grammar.primitives.interface import Checked
from tasker_grammar.telling import did_you_mean, show

__all__ = ["check_ending"]


def check_ending(
    check: Check,
    place: Place,
    graph: Graph,
    ways: Ways,
    result: object,
    ids: Collection[str],
    checked: Mapping[str, Checked[Any]],
    found: Sequence[Finding],
) -> None:
    """Report a result that is none, and steps of which nothing comes. `ids`: of all steps, the unsound too. `found`:
    what was found in the steps.
    """
    for step in _never_running(graph, ways):
        what = "it can never run: it waits for steps of branches that exclude each other"
        _report(
            check, place, step, "G109", what, "Gather the branches with a `converge` before it."
        )
    if not _check_result(check, place, ways, result, ids) or any(_hides(each) for each in found):
        return  # where references are not known, it cannot be said what comes of a step
    writers = {step.id for step in graph.order if _writes(step, checked)}
    to_result = ancestors_of({str(result)}, graph.waits_for)
    live = to_result | ancestors_of(writers, graph.waits_for)
    for step in graph.order:
        if step.id not in live:
            what = "nothing comes of it: it writes nothing, and neither the result nor a write waits for it"
            hint = "Refer to it, name it in the `needs` of a step that must come after it, or remove it."
            _report(check, place, step, "G107", what, hint)
        elif place.fragment and place.depth == 0 and step.id in writers - to_result:
            what = "it writes, and the result does not wait for it"
            hint = f'Name it in the `needs` of "{result}", or of a step before that.'
            _report(check, place, step, "G108", what, hint)


def _check_result(
    check: Check, place: Place, ways: Ways, result: object, ids: Collection[str]
) -> bool:
    """Whether the result is a step; if it is not, or may not run, that is reported."""
    path = f"{place.path.removesuffix('/steps')}/result"
    if not isinstance(result, str):
        what = f"the result is {show(result)}"
        check.report("P001", path, place.step, what, "It should be the id of a step.")
    elif result not in ids:
        hint = did_you_mean(result, ids) or f"There are: {', '.join(ids)}."
        check.report("G106", path, place.step, f"there is no step {show(result)}", hint)
    elif result in ways.runs and ways.runs[result] not in (0, ways.every):
        what = f'"{result}" does not run in every case'
        hint = "Let a `converge` that gathers all branches be the result, or stand before it."
        check.report("G110", path, place.step, what, hint)
    else:
        return True
    return False


def _never_running(graph: Graph, ways: Ways) -> list[Step]:
    return [
        step
        for step in graph.order
        if not ways.runs[step.id] and all(ways.runs[n] for n in graph.waits_for[step.id])
    ]


def _writes(step: Step, checked: Mapping[str, Checked[Any]]) -> bool:
    known = checked.get(step.id)
    return (known.effect if known else step.primitive.effect) == "idempotent_write"


def _hides(finding: Finding) -> bool:
    """Whether what was found is about the graph, or about what could not be read of it."""
    return finding.code[0] in "PG" or finding.code.startswith("X0")


def _report(check: Check, place: Place, step: Step, code: str, message: str, hint: str) -> None:
    check.report(code, f"{place.path}/{step.index}", place.name_of(step.id), message, hint)
