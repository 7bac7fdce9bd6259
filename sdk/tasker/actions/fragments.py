"""Fragments made real: what a planner proposes becomes dynamic steps of the task, or nothing at all. Pure.

A fragment is checked before anything exists. Its steps come to be in the transaction in which the proposing step
completes: first one that holds the fragment, then each step of it, then one that gives its result. Where a step runs,
the fragment is checked again, against that worker's resources. A step that a `decide` has not chosen says so as its
result, and so does what depends on it. A step that gives what looks like that has it wrapped: what a server answers,
say, decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from tasker.errors import FragmentRefused, FragmentRejected, PermanentError
from tasker.expansion import Expansion, Node
from tasker_grammar.catalog import bundled
from tasker_grammar.checking import check_fragment
from tasker_grammar.composition import Bounds
from tasker_grammar.composition import Fragment as Written
from tasker_grammar.contracts import Schema
from tasker_grammar.findings import Finding
from tasker_grammar.primitives.interface import Program, ProgramStep
from tasker_grammar.resources import Resources
from tasker_grammar.running.order import not_chosen
from tasker_grammar.schema_types import type_of
from tasker_grammar.types import Field, Object

__all__ = [
    "FRAGMENT",
    "HELD",
    "RESULT",
    "STEP",
    "Place",
    "check",
    "grow",
    "is_left_out",
    "left_out",
    "pick",
    "read_place",
    "seen_by",
    "step_name",
    "unwrap",
    "wrap",
]

FRAGMENT = "$fragment"
"""The argument that holds a fragment, or takes it."""
STEP = "$step"
"""The argument that says which of its steps is to run."""
RESULT = "$result"
"""The argument that takes what the fragment gives."""
_MARK = "$left_out"
_LEFT_OUT = {_MARK: True}
HELD = (FRAGMENT, STEP, RESULT)


@dataclass(frozen=True, slots=True)
class Place:
    """Where fragments may grow: within which bounds, from which input, to which result.

    `retry`: a rejected one is a failure that may be tried again, and not the end of the step.
    """

    bounds: Bounds
    input: Schema = True
    result: Schema | None = None
    retry: bool = False

    def to_json(self) -> dict[str, Any]:
        """The place as definitions hold it."""
        return {
            "bounds": self.bounds.model_dump(mode="json", exclude_defaults=True),
            "input": self.input,
            "result": self.result,
            "retry": self.retry,
        }


def read_place(config: Mapping[str, Any]) -> Place:
    """The place that a definition holds. Raises pydantic's ValidationError for what is none."""
    return TypeAdapter(Place).validate_python(dict(config))


def step_name(place: str) -> str:
    """What the steps of fragments that grow at a place are called."""
    return f"{place}.step"


def check(
    fragment: object, place: Place, resources: Resources
) -> tuple[Program | None, tuple[Finding, ...]]:
    """The fragment's program, if it may run at this place, and all that is to be said about it."""
    given = Object({"input": Field(type_of(place.input))})
    report = check_fragment(
        fragment, resources, bundled(), given, bounds=place.bounds, result=place.result
    )
    return report.program, report.findings


def grow(
    name: str, fragment: object, place: Place, resources: Resources, result: Any
) -> Expansion[Any]:
    """What a handler returns to make a fragment real. Raises FragmentRejected with everything that is wrong with it."""
    program, findings = check(fragment, place, resources)
    if program is None:
        raise FragmentRefused(findings) if place.retry else FragmentRejected(findings)
    expansion: Expansion[Any] = Expansion(result)
    raw = _as_json(fragment)
    held = expansion.add(step_name(name), **{FRAGMENT: raw})
    nodes: dict[str, Node[Any]] = {}
    for step in program.steps:
        takes = {other: nodes[other] for other in sorted(step.waits_for)}
        arguments = {FRAGMENT: held, STEP: step.id, **takes}
        nodes[step.id] = expansion.add(step_name(name), **arguments)
    ends = _ends(program.steps, program.result)
    expansion.add(name, **{RESULT: nodes[program.result]}).after(*(nodes[each] for each in ends))
    return expansion


def pick(program: Program, name: str) -> Program:
    """One of a program's steps as a program of its own, which is given what it sees."""
    step = next((each for each in program.steps if each.id == name), None)
    if step is None:
        raise PermanentError(f"the fragment has no step {name}")
    alone = replace(step, sees=frozenset(), waits_for=frozenset(), branches={})
    return replace(program, steps=(alone,), result=name)


def is_left_out(program: Program, name: str, outputs: Mapping[str, Any]) -> bool:
    """Whether a step does not run, given what those gave that it waits for."""
    steps = {each.id: each for each in program.steps}
    step = steps[name]
    gone = frozenset(other for other in step.waits_for if outputs.get(other) == _LEFT_OUT)
    if step.gathers:
        return bool(step.waits_for) and gone == step.waits_for
    return bool(gone) or any(
        name in not_chosen(steps[other], unwrap(outputs[other])) for other in step.waits_for
    )


def wrap(output: Any) -> Any:
    """What a step gave, as its result in the task: as it is, but where it could be taken for `left_out`."""
    return {_MARK: False, "value": output} if _marked(output) else output


def unwrap(result: Any) -> Any:
    """What a step gave, of its result in the task."""
    return result["value"] if _marked(result) and result[_MARK] is False else result


def seen_by(program: Program, name: str, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """What a step's expressions see of other steps."""
    step = next(each for each in program.steps if each.id == name)
    return {
        other: unwrap(outputs[other])
        for other in step.sees
        if other in outputs and outputs[other] != _LEFT_OUT
    }


def left_out() -> dict[str, Any]:
    """What a step gives that did not run."""
    return dict(_LEFT_OUT)


def _marked(value: Any) -> bool:
    return isinstance(value, Mapping) and _MARK in value


def _ends(steps: Sequence[ProgramStep], result: str) -> Iterator[str]:
    """The steps that no other waits for, but the result."""
    waited_for = {other for step in steps for other in step.waits_for}
    return (step.id for step in steps if step.id not in waited_for and step.id != result)


def _as_json(fragment: object) -> Any:
    if isinstance(fragment, Written):
        return fragment.model_dump(mode="json", exclude_defaults=True)
    return fragment
