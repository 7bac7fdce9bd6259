"""What can be wrong with a template as a whole. Pure.

The same is checked again by the database, which trusts no client; here it is found earlier, all at
once, and with a hint.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any, get_args

import orjson

from tasker.durations import LONGEST
from tasker.errors import Fault
from tasker.growth import find_growth_faults, parents_in_template
from tasker.limits import ANY, STEPS, find_limits_fault
from tasker.names import (
    LONGEST_STEP,
    LONGEST_TEMPLATE,
    LONGEST_VERSION,
    did_you_mean,
    find_name_fault,
    find_namespace_fault,
    find_queue_fault,
)
from tasker.policy import OnTaskFailure, Undoes
from tasker.storable import serialize
from tasker_grammar.contracts import Contract, Finding, SchemaError

if TYPE_CHECKING:
    from tasker.template import Compensation, StepDefinition, Template

__all__ = ["find_faults", "find_step_faults"]

_MOST_STEPS = 20_000
_LONGEST_HANDLER = 1000

Path = tuple[str | int, ...]


def find_faults(template: Template) -> Iterator[Fault]:
    """Everything wrong with a template, in the order of its definition."""
    yield from _named(("namespace",), find_namespace_fault(template.namespace), template.namespace)
    name_fault = find_name_fault(template.name, LONGEST_TEMPLATE)
    yield from _named(("name",), name_fault, template.name)
    version_fault = find_name_fault(template.version, LONGEST_VERSION)
    yield from _named(("version",), version_fault, template.version)
    yield from _check_time(("time_limit",), template.time_limit)
    yield from _check_schema(("input_schema",), template.input_schema)
    yield from _check_json(("metadata",), dict(template.metadata))
    if not 1 <= len(template.steps) <= _MOST_STEPS:
        what = f"the template has {len(template.steps)} steps"
        yield Fault(("steps",), what, f"A template has 1 to {_MOST_STEPS:,}.")
    for index, step in enumerate(template.steps):
        yield from find_step_faults(step, ("steps", index))
    if template.on_failure not in get_args(OnTaskFailure):
        what = f"on_failure is {template.on_failure!r}"
        yield Fault(("on_failure",), what, f"It is one of {', '.join(get_args(OnTaskFailure))}.")
    yield from _check_limits(("limits",), find_limits_fault(template.limits, ANY))
    yield from _check_graph(template.steps)
    yield from _check_compensations(template.steps)
    yield from find_growth_faults(template.steps)


def find_step_faults(step: StepDefinition, path: Path = ()) -> Iterator[Fault]:
    """Everything wrong with one step by itself; `path` leads to it."""
    yield from _named((*path, "name"), find_name_fault(step.name, LONGEST_STEP), step.name)
    yield from _check_run(step, path)
    yield from _check_input_schema((*path, "input_schema"), step)
    yield from _check_schema((*path, "result_schema"), step.result_schema)
    yield from _check_limits((*path, "limits"), find_limits_fault(step.limits, STEPS))
    if step.compensate is not None:
        below = (*path, "compensate")
        yield from _check_run(step.compensate, below)
        if step.compensate.when not in get_args(Undoes):
            what = f"when is {step.compensate.when!r}"
            yield Fault((*below, "when"), what, f"It is one of {', '.join(get_args(Undoes))}.")


def _check_limits(path: Path, fault: str | None) -> Iterator[Fault]:
    if fault is not None:
        yield Fault(path, fault, "Each is a Limit, with a name of its own where there are several.")


def _check_run(run: StepDefinition | Compensation, path: Path) -> Iterator[Fault]:
    """What a step and a compensation have both: how they are run."""
    if not 1 <= len(run.handler) <= _LONGEST_HANDLER:
        what = f"the handler's name has {len(run.handler)} characters"
        yield Fault((*path, "handler"), what, f"It needs 1 to {_LONGEST_HANDLER}.")
    if run.queue is not None:
        yield from _named((*path, "queue"), find_queue_fault(run.queue), run.queue)
    yield from _check_time((*path, "attempt_time_limit"), run.attempt_time_limit)
    yield from _check_time((*path, "step_time_limit"), run.step_time_limit)
    yield from _check_json((*path, "config"), dict(run.config))


def _check_compensations(steps: tuple[StepDefinition, ...]) -> Iterator[Fault]:
    known = [step.name for step in steps]
    for index, step in enumerate(steps):
        if step.compensate is None:
            continue
        if f"undo:{step.name}" in known:
            what = f'two steps are named "undo:{step.name}"'
            yield Fault(("steps", index, "name"), what, "Compensations have such names.")
        for position, name in enumerate(step.compensate.takes or ()):
            if name not in known:
                path = ("steps", index, "compensate", "takes", position)
                what = f'the compensation of step "{step.name}" takes "{name}", which is not a step'
                yield Fault(
                    path, what, did_you_mean(name, known) or "Name a step of this template."
                )


def _check_graph(steps: tuple[StepDefinition, ...]) -> Iterator[Fault]:
    first = {step.name: index for index, step in reversed(list(enumerate(steps)))}
    for index, step in enumerate(steps):
        if first[step.name] != index:
            path = ("steps", index, "name")
            yield Fault(path, f'two steps are named "{step.name}"', "Give each its own name.")
            continue
        yield from _check_parents(index, step, first)
    cycle = _find_cycle(parents_in_template([steps[index] for index in sorted(first.values())]))
    if cycle:
        path = ("steps", first[cycle[0]], "depends_on")
        way = " → ".join(cycle)
        yield Fault(path, f"steps wait for each other in a circle: {way}", "Take one edge away.")


def _check_parents(index: int, step: StepDefinition, known: Mapping[str, int]) -> Iterator[Fault]:
    for position, parent in enumerate(step.depends_on):
        path = ("steps", index, "depends_on", position)
        if parent not in known:
            what = f'step "{step.name}" depends on "{parent}", which is not a step'
            yield Fault(path, what, did_you_mean(parent, known) or "Name a step of this template.")
        elif parent in step.depends_on[:position]:
            what = f'step "{step.name}" names "{parent}" twice among what it depends on'
            yield Fault(path, what, "Name it once.")


def _find_cycle(graph: Mapping[str, tuple[str, ...]]) -> list[str]:
    """A circle as a path of names, each waited for by the next, the first again at the end."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _named(path: Path, fault: str | None, name: object) -> Iterator[Fault]:
    if fault is not None:
        yield Fault(path, f"{path[-1]} is {name!r}", f"It {fault}.")


def _check_time(path: Path, seconds: float | None) -> Iterator[Fault]:
    if seconds is not None and not 0 < seconds <= LONGEST:
        what = f"{path[-1]} is {seconds} seconds"
        yield Fault(path, what, "It must be more than 0, and at most ten years.")


def _check_schema(path: Path, schema: Any) -> Iterator[Fault]:
    if schema is None:
        return
    try:
        Contract(schema)
    except SchemaError as error:
        yield Fault(path, f"{path[-1]} is no JSON Schema: {error}", "See json-schema.org.")
        return
    yield from _check_json(path, schema)


def _check_input_schema(path: Path, step: StepDefinition) -> Iterator[Fault]:
    """Each field that it names is given: it is the task's input, or a step that this one depends on."""
    schema = step.input_schema
    malformed = list(_check_schema(path, schema))
    if malformed or schema is None:
        yield from malformed
        return
    if isinstance(schema, bool) or schema.get("type") != "object":
        what = f'what step "{step.name}" takes is not described as an object'
        yield Fault(path, what, "Write type: object, and under properties what it takes.")
        return
    fields: Mapping[str, Any] = schema.get("properties", {})
    given = ("input", *step.depends_on)
    for name in dict.fromkeys([*fields, *schema.get("required", ())]):
        if step.kind != "dynamic" and name not in given:
            what = f'step "{step.name}" takes "{name}", which it does not depend on'
            hint = did_you_mean(name, given) or "Name it among the steps that it depends on."
            where = ("properties", name) if name in fields else ("required",)
            yield Fault((*path, *where), what, hint)


def _check_json(path: Path, value: Any) -> Iterator[Fault]:
    data = serialize(orjson.dumps, value)
    if isinstance(data, Finding):
        yield Fault(path, f"{path[-1]}, {data}", "It must be plain JSON.")
