"""Fragments made real: what a planner proposes becomes dynamic steps of the task, or nothing at all. Pure.

A fragment is checked before anything exists. Its steps come to be in the transaction in which the proposing step
completes: first one that holds the fragment, then each step of it, then one that gives its result. Where a step runs,
the fragment is checked again, against that worker's resources. A step that a `decide` has not chosen says so as its
result, and so does what depends on it. A step that gives what looks like that has it wrapped: what a server answers,
say, decides nothing.

What its expressions see beside the task's input is given with it, and held with it: so every check of it sees the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from pydantic import TypeAdapter

from tasker.actions.programs import dump
from tasker.errors import FragmentRefused, FragmentRejected, PermanentError
from tasker.expansion import Expansion, Node
from tasker.values import Shape
from tasker_grammar.catalog import Catalog, bundled
from tasker_grammar.checking import check_fragment
from tasker_grammar.checking.graph import RESERVED
from tasker_grammar.composition import Bounds, Composition
from tasker_grammar.composition import Fragment as Written
from tasker_grammar.contracts import Schema
from tasker_grammar.findings import Finding
from tasker_grammar.primitives.interface import Program, ProgramStep
from tasker_grammar.resources import Resources
from tasker_grammar.running.order import is_left_out, not_chosen
from tasker_grammar.schema_types import type_of
from tasker_grammar.type_algebra import type_of_value
from tasker_grammar.types import Field, Object

__all__ = [
    "FRAGMENT",
    "HELD",
    "RESULT",
    "STEP",
    "Place",
    "Proposed",
    "check",
    "does_not_run",
    "find_step",
    "grow",
    "left_out",
    "pick",
    "propose",
    "read_place",
    "seen_by",
    "step_name",
    "unwrap",
    "wrap",
]

FRAGMENT = "$fragment"
"""The argument that holds a fragment with what it is given, or takes that."""
STEP = "$step"
"""The argument that says which of its steps is to run."""
RESULT = "$result"
"""The argument that takes what the fragment gives."""
_MARK = "$left_out"
_LEFT_OUT = {_MARK: True}
HELD = (FRAGMENT, STEP, RESULT)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where fragments may grow: within which bounds, from which input, to which result.

    `retry`: a rejected one is a failure that may be tried again, and not the end of the step. `compositions`: those
    that may be used beside the ones that come with Tasker, kept as they were when the template was registered.
    """

    bounds: Bounds
    input: Schema = True
    result: Schema | None = None
    retry: bool = False
    compositions: tuple[Composition, ...] = ()

    @property
    def catalog(self) -> Catalog:
        """What fragments may use here. What the place keeps comes before what has come to Tasker since."""
        own = {each.name for each in self.compositions}
        others = (each for each in bundled() if each.name not in own)
        return Catalog((*self.compositions, *others))

    def to_json(self) -> dict[str, Any]:
        """The place as definitions hold it."""
        return {
            "bounds": self.bounds.model_dump(mode="json", exclude_defaults=True),
            "input": self.input,
            "result": self.result,
            "retry": self.retry,
            "compositions": [dump(each) for each in self.compositions],
        }


@dataclass(frozen=True, slots=True)
class Proposed:
    """A fragment as JSON, and what it is given: values by name, which its expressions see beside the task's input."""

    fragment: Any
    given: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """As a step of the task holds it."""
        return {"fragment": self.fragment, "given": dict(self.given)}


_PLACES = TypeAdapter(Place)


def read_place(config: Mapping[str, Any]) -> Place:
    """The place that a definition holds. Raises pydantic's ValidationError for what is none."""
    return _PLACES.validate_python(dict(config))


def step_name(place: str) -> str:
    """What the steps of fragments that grow at a place are called."""
    return f"{place}.step"


def check(
    proposed: Proposed, place: Place, resources: Resources
) -> tuple[Program | None, tuple[Finding, ...]]:
    """The fragment's program, if it may run at this place, and all that is to be said about it."""
    values = {name: Field(type_of_value(value)) for name, value in proposed.given.items()}
    report = check_fragment(
        proposed.fragment,
        resources,
        place.catalog,
        Object({"input": Field(type_of(place.input)), **values}),
        bounds=place.bounds,
        existing=proposed.given,
        result=place.result,
    )
    return report.program, report.findings


def propose(fragment: object, given: Mapping[str, Any]) -> Proposed:
    """A fragment as it is proposed, made JSON. Raises PermanentError for a name that expressions could not say, and
    ContractError for a value that is no JSON.
    """
    for name in given:
        if not _NAME.fullmatch(name) or name in RESERVED:
            raise PermanentError(
                f"a fragment is given {name!r}, but expressions cannot see that: a name is a lower-case letter, then at"
                f" most 39 of a-z, 0-9 and underscore, and none of {', '.join(sorted(RESERVED))}"
            )
    values = {
        name: orjson.loads(Shape(f"what the fragment is given as {name}").dump(value))
        for name, value in given.items()
    }
    raw = fragment
    if isinstance(fragment, Written):
        raw = fragment.model_dump(mode="json", exclude_defaults=True)
    return Proposed(raw, values)


def grow(
    name: str, proposed: Proposed, place: Place, resources: Resources, result: Any
) -> Expansion[Any]:
    """What a handler returns to make a fragment real. Raises FragmentRejected with everything that is wrong with it."""
    program, findings = check(proposed, place, resources)
    if program is None:
        raise FragmentRefused(findings) if place.retry else FragmentRejected(findings)
    expansion: Expansion[Any] = Expansion(result)
    held = expansion.add(step_name(name), **{FRAGMENT: proposed.to_json()})
    nodes: dict[str, Node[Any]] = {}
    for step in program.steps:
        takes = {other: nodes[other] for other in sorted(step.waits_for)}
        arguments = {FRAGMENT: held, STEP: step.id, **takes}
        nodes[step.id] = expansion.add(step_name(name), **arguments)
    ends = _ends(program.steps, program.result)
    expansion.add(name, **{RESULT: nodes[program.result]}).after(*(nodes[each] for each in ends))
    return expansion


def find_step(program: Program, name: str) -> ProgramStep:
    """One of a program's steps. Raises PermanentError where it has none of that name."""
    step = next((each for each in program.steps if each.id == name), None)
    if step is None:
        raise PermanentError(f"the fragment has no step {name}")
    return step


def pick(program: Program, step: ProgramStep) -> Program:
    """One of a program's steps as a program of its own, which is given what it sees."""
    alone = replace(step, sees=frozenset(), waits_for=frozenset(), branches={})
    return replace(program, steps=(alone,), result=step.id)


def does_not_run(program: Program, step: ProgramStep, outputs: Mapping[str, Any]) -> bool:
    """Whether a step is left out, given what those gave that it waits for."""
    gone = {other for other in step.waits_for if outputs.get(other) == _LEFT_OUT}
    for other in step.waits_for - gone:
        gone |= not_chosen(find_step(program, other), unwrap(outputs[other]))
    return is_left_out(step, gone)


def wrap(output: Any) -> Any:
    """What a step gave, as its result in the task: as it is, but where it could be taken for `left_out`."""
    return {_MARK: False, "value": output} if _marked(output) else output


def unwrap(result: Any) -> Any:
    """What a step gave, of its result in the task."""
    return result["value"] if _marked(result) and result[_MARK] is False else result


def seen_by(step: ProgramStep, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """What a step's expressions see of other steps."""
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
