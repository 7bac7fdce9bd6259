"""Says whether a primitive keeps the rules: for tests of those that come with Tasker, and of one's own. Pure: what is
outside is made up.

A primitive is tried on examples: each is a step as it would be written, and what stands around it.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tasker_grammar.catalog import Catalog
from tasker_grammar.checking import Report, check_composition
from tasker_grammar.contracts import Contract, Schema
from tasker_grammar.effects import EFFECTS, exceeds
from tasker_grammar.primitives import PRIMITIVES
from tasker_grammar.primitives.interface import Primitive, Program, StepFields
from tasker_grammar.primitives.invoke import ACTION_FAILED
from tasker_grammar.primitives.parts import RESOURCE_UNAVAILABLE, RESULT_INVALID
from tasker_grammar.resources import Resources
from tasker_grammar.running.interpreter import run_program
from tasker_grammar.running.simulated import Crashed, Moment, SimulatedWorld
from tasker_grammar.samples import sample_of_schema
from tasker_grammar.schema_types import schema_of
from tasker_grammar.world import ActionFailed

__all__ = ["Example", "check_primitive"]

_PASSING = frozenset({RESOURCE_UNAVAILABLE.code, ACTION_FAILED.code})


@dataclass(frozen=True, slots=True)
class Example:
    """A sound use of a primitive: `step`, and `others` that it needs, for inputs that satisfy `input`.

    `answers`: what the outside answers at the place of a step that needs an answer: a schema, of which values are made
    up; other values are tried too. `compositions`: those that the step may name.
    """

    step: Mapping[str, Any]
    others: Sequence[Mapping[str, Any]] = ()
    input: Schema = True
    resources: Resources = field(default_factory=Resources)
    answers: Mapping[str, Schema] = field(default_factory=dict[str, Schema])
    compositions: Catalog = field(default_factory=lambda: Catalog(()))


def check_primitive(
    primitive: Primitive[Any, Any], examples: Sequence[Example], times: int = 50
) -> list[str]:
    """Each rule that is broken, in a sentence; empty if all are kept. Each example is run `times` times.

    The rules: it says what it is; its effect and failures are those it declares; what it gives is of the type that it
    says, whatever the outside answers; it changes nothing that it is given; the same inputs give the same acts at the
    same places; a run that begins anew does nothing twice; and it raises nothing but ActionFailed.
    """
    faults = list(_find_undeclared(primitive))
    for number, example in enumerate(examples, 1):
        faults += [f"example {number}: {fault}" for fault in _try(primitive, example, times)]
    if not examples:
        faults.append("there is no example to try it on")
    return faults


def _find_undeclared(primitive: Primitive[Any, Any]) -> Iterator[str]:
    if not primitive.summary.endswith("."):
        yield "its summary is no sentence"
    for about in (type(primitive), primitive.fields):
        if not (about.__doc__ or "").strip():
            yield f"{about.__name__} has no docstring"
    if primitive.effect not in EFFECTS:
        yield f"there is no effect {primitive.effect}"
    if not issubclass(primitive.fields, StepFields):
        yield "its fields are no StepFields"
    config = primitive.fields.model_config
    if config.get("extra") != "forbid" or not config.get("frozen"):
        yield "its fields take what is unknown, or can be changed"
    for failure in primitive.failures:
        if not failure.code or not failure.meaning.endswith("."):
            yield f"the failure {failure.code} has no meaning"


def _try(primitive: Primitive[Any, Any], example: Example, times: int) -> Iterator[str]:
    before = copy.deepcopy(dict(example.step))
    report, again = _check(primitive, example), _check(primitive, example)
    if report.program is None:
        yield from (f"it is not sound: {finding}" for finding in report.findings)
        return
    if dict(example.step) != before:
        yield "the check changes the step that it is given"
    if again.program is None or not _alike(report.program, again.program):
        yield "two checks of it differ"
    if exceeds(report.program.effect, primitive.effect):
        yield f"it is {report.program.effect}, and declares {primitive.effect}"
    seen: set[str] = set()
    for seed in range(times):
        for fault in asyncio.run(_run(report.program, example, Random(seed))):
            if fault not in seen:
                seen.add(fault)
                yield fault


def _check(primitive: Primitive[Any, Any], example: Example) -> Report:
    composition = {
        "name": "example",
        "input": example.input,
        "steps": [*example.others, example.step],
        "result": example.step.get("id"),
    }
    kinds = {**PRIMITIVES, primitive.kind: primitive}
    return check_composition(composition, example.resources, example.compositions, kinds=kinds)


def _alike(one: Program, other: Program) -> bool:
    return (one.output, one.effect, one.failures, one.cost) == (
        other.output,
        other.effect,
        other.failures,
        other.cost,
    )


@dataclass(slots=True)
class _Outcome:
    """What one run came to: its value or its failure's code; or, in words, what no run may come to."""

    value: Any = None
    code: str | None = None
    fault: str | None = None


async def _run(program: Program, example: Example, random: Random) -> list[str]:
    given = {"input": sample_of_schema(example.input, random)}
    results = {
        place: _make_up(schema, program.failures, random)
        for place, schema in example.answers.items()
    }
    kept = copy.deepcopy(given)
    world = SimulatedWorld(results)
    outcome = await _run_once(program, given, world)
    faults = [*_judge(program, outcome)]
    if given != kept:
        faults.append("it changes what it is given")
    second = SimulatedWorld(results)
    if await _run_once(program, given, second) != outcome or world.acts != second.acts:
        faults.append("the same inputs do not come to the same acts and the same end")
    faults += await _crash(program, given, results, outcome, random)
    if sum(act.kind in ("persist", "emit") for act in world.acts.values()) > program.cost.writes:
        faults.append("it writes more often than its cost says")
    return faults


def _make_up(schema: Schema, failures: frozenset[str], random: Random) -> Any:
    """What the outside may answer: mostly what it should; and what goes wrong, as far as that is declared."""
    choice = random.random()
    passing = sorted(failures & _PASSING)
    if choice < 0.1 and passing:
        return {"$fail": {"code": random.choice(passing), "retryable": True}}
    wrong = choice > 0.9 and RESULT_INVALID.code in failures
    return sample_of_schema(True if wrong else schema, random)


async def _run_once(program: Program, given: Mapping[str, Any], world: SimulatedWorld) -> _Outcome:
    try:
        return _Outcome(value=await run_program(program, given, world))
    except ActionFailed as failure:
        return _Outcome(code=failure.code)
    except Exception as error:
        return _Outcome(fault=f"it raises {type(error).__name__}: {error}")


def _judge(program: Program, outcome: _Outcome) -> Iterator[str]:
    if outcome.fault is not None:
        yield outcome.fault
    elif outcome.code is not None:
        if outcome.code not in program.failures:
            yield f"it fails with {outcome.code}, which it does not declare"
    elif faults := Contract(schema_of(program.output)).check(outcome.value):
        yield f"what it gives is not of its type: {faults[0]}"


async def _crash(
    program: Program,
    given: Mapping[str, Any],
    results: Mapping[str, Any],
    undisturbed: _Outcome,
    random: Random,
) -> list[str]:
    """What is wrong with a run that dies once somewhere, and begins anew."""
    moment: Moment = random.choice(["before", "between", "after"])
    left = [1]

    def dies(now: Moment, _: str) -> bool:
        left[0] -= now == moment
        return left[0] == 0 and now == moment

    world = SimulatedWorld(results, crashes=dies)
    try:
        outcome = await _run_once(program, given, world)
    except Crashed:
        outcome = await _run_once(program, given, world)
    faults: list[str] = []
    if any(act.times > 1 for act in world.acts.values()):
        faults.append("a run that begins anew acts a second time")
    if outcome != undisturbed:
        faults.append("a run that begins anew comes to another end")
    return faults
