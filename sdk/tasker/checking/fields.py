"""What can be said of a template's fields, each by itself: names, schemas, JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast, get_args

import orjson

from tasker.checking.codes import make_fault
from tasker.checking.times import find_run_time_faults, find_time_fault
from tasker.errors import Fault
from tasker.limits import ANY, STEPS, find_limits_fault
from tasker.names import (
    LONGEST_STEP,
    LONGEST_TEMPLATE,
    LONGEST_VERSION,
    RESERVED,
    UNDO,
    find_name_fault,
    find_namespace_fault,
    find_queue_fault,
)
from tasker.policy import BatchPolicy, OnTaskFailure, Undoes
from tasker.storable import serialize
from tasker_grammar.contracts import Contract, Finding, SchemaError

if TYPE_CHECKING:
    from tasker.template import Compensation, StepDefinition, Template

__all__ = ["allows_type", "find_step_faults", "find_template_faults"]

_LONGEST_HANDLER = 1000
_TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")

Path = tuple[str | int, ...]


def find_template_faults(template: Template) -> Iterator[Fault]:
    """What can be said of the template's own fields, without its steps."""
    yield from _named(("namespace",), find_namespace_fault(template.namespace), template.namespace)
    name_fault = find_name_fault(template.name, LONGEST_TEMPLATE)
    yield from _named(("name",), name_fault, template.name)
    version_fault = find_name_fault(template.version, LONGEST_VERSION)
    yield from _named(("version",), version_fault, template.version)
    yield from find_time_fault(("time_limit",), template.time_limit)
    malformed = list(_check_schema(("input_schema",), template.input_schema))
    yield from malformed
    if not malformed and not allows_type(template.input_schema, "object"):
        what = "the task's input is no object"
        mend = "Later versions can add a field to an object, and to nothing else."
        yield make_fault("task-input-not-object", ("input_schema",), what, mend)
    yield from _check_json(("metadata",), dict(template.metadata))
    yield from _one_of(("on_failure",), template.on_failure, get_args(OnTaskFailure))
    yield from _check_limits(("limits",), find_limits_fault(template.limits, ANY))


def find_step_faults(step: StepDefinition, path: Path = ()) -> Iterator[Fault]:
    """What can be said of one step by itself; `path` leads to it."""
    yield from _named((*path, "name"), find_name_fault(step.name, LONGEST_STEP), step.name)
    yield from _check_reserved((*path, "name"), step.name)
    yield from _check_run(step, path)
    malformed = list(_check_schema((*path, "input_schema"), step.input_schema))
    yield from malformed
    if not malformed and step.input_schema is not None and not _is_object(step.input_schema):
        what = f'what step "{step.name}" takes is not described as an object'
        mend = "Write type: object, and under properties what it takes."
        yield make_fault("step-input-not-object", (*path, "input_schema"), what, mend)
    yield from _check_schema((*path, "result_schema"), step.result_schema)
    yield from _check_limits((*path, "limits"), find_limits_fault(step.limits, STEPS))
    if step.batch != BatchPolicy() and step.kind != "batch_worker":
        what = f'step "{step.name}" says how a batch runs, and is no batch worker'
        yield make_fault("batch-config-ignored", (*path, "batch"), what, "Say it of the worker.")
    if step.compensate is not None:
        below = (*path, "compensate")
        yield from _check_run(step.compensate, below)
        yield from _one_of((*below, "when"), step.compensate.when, get_args(Undoes))


def allows_type(schema: Any, name: str) -> bool:
    """Whether a schema's `type` lets values of a type through; other keywords are not looked at."""
    if schema is False:
        return False
    given = cast("Mapping[str, Any]", schema).get("type") if isinstance(schema, Mapping) else None
    allowed = cast("list[Any]", given) if isinstance(given, list) else [given]
    return given is None or name in allowed


def _is_object(schema: Any) -> bool:
    return isinstance(schema, Mapping) and cast("Mapping[str, Any]", schema).get("type") == "object"


def _check_reserved(path: Path, name: str) -> Iterator[Fault]:
    if name in RESERVED:
        what = f"a parameter called {name} never takes a step's result"
        mend = "Give the step another name, as in @workflow.step(name=...)."
        yield make_fault("reserved-name", path, what, mend)
    elif isinstance(cast("object", name), str) and name.startswith(UNDO):
        what = f'"{name}" is the name of a compensation'
        mend = f"Give the step a name that does not begin with {UNDO}"
        yield make_fault("reserved-name", path, what, mend)


def _check_limits(path: Path, fault: str | None) -> Iterator[Fault]:
    if fault is not None:
        mend = "Each is a Limit, with a name of its own where there are several."
        yield make_fault("invalid-limit", path, fault, mend)


def _check_run(run: StepDefinition | Compensation, path: Path) -> Iterator[Fault]:
    """What a step and a compensation have both: how they are run."""
    if not 1 <= len(run.handler.strip()) <= _LONGEST_HANDLER:
        what = f"the handler's name has {len(run.handler.strip())} characters"
        yield make_fault("empty-handler", (*path, "handler"), what, "It needs 1 to 1000.")
    if run.queue is not None:
        yield from _named((*path, "queue"), find_queue_fault(run.queue), run.queue)
    yield from find_run_time_faults(run, path)
    yield from _check_json((*path, "config"), dict(run.config))


def _named(path: Path, fault: str | None, name: object) -> Iterator[Fault]:
    if fault is not None:
        yield make_fault("invalid-name", path, f"{path[-1]} is {name!r}", f"It {fault}.")


def _one_of(path: Path, value: str, allowed: tuple[str, ...]) -> Iterator[Fault]:
    if value not in allowed:
        what = f"{path[-1]} is {value!r}"
        yield make_fault("out-of-range", path, what, f"It is one of {', '.join(allowed)}.")


def _check_schema(path: Path, schema: Any) -> Iterator[Fault]:
    if schema is None:
        return
    try:
        Contract(schema)
    except (SchemaError, RecursionError) as error:
        why = str(error) if isinstance(error, SchemaError) else "it is nested too deeply"
        what = f"{path[-1]} is no JSON Schema: {why}"
        wrong = error.path if isinstance(error, SchemaError) else ()
        mend = "See json-schema.org."
        if wrong and wrong[-1] == "type":
            mend = f"A type is {', '.join(_TYPES[:-1])} or {_TYPES[-1]}, or a list of them."
        yield make_fault("invalid-schema", (*path, *wrong), what, mend)
        return
    yield from _check_json(path, schema)


def _check_json(path: Path, value: Any) -> Iterator[Fault]:
    data = serialize(orjson.dumps, value)
    if isinstance(data, Finding):
        yield make_fault("not-json", path, f"{path[-1]}, {data}", "It must be plain JSON.")
