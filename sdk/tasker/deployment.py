"""Whether a deployment can carry on the tasks under way: are there handlers for what they need, and do they fit. Pure.

What a task needs is said by the version that it began with; what a handler takes and gives, by its
annotations, or by what the child says that has it. Where one of them says nothing, nothing is found:
values are held against the contracts at run time all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import orjson

from tasker.binding import Handler, bind_handler
from tasker.checking.giving import given_schema, read_field
from tasker.comparison import compare
from tasker.comparison.contracts import find_lack
from tasker.definitions import read_template
from tasker.errors import DefinitionError
from tasker.growth_types import stored_schema
from tasker.names import did_you_mean
from tasker.template import StepDefinition, Template
from tasker_ffi_bridge.messages import ChildHandler
from tasker_grammar.contracts import Schema, SchemaError

__all__ = ["Code", "Needed", "Unfit", "find_changed_version", "find_unfit"]

Code = Literal[
    "handler-missing", "handler-misfit", "takes-less", "gives-more", "version-changed", "unreadable"
]
_UNDO = "undo:"


@dataclass(frozen=True, slots=True)
class Needed:
    """A step that tasks under way need, as `tasker.list_needed_steps` has it."""

    namespace: str
    template: str
    version: str
    step: str
    kind: str
    handler: str
    tasks: int

    @property
    def full_name(self) -> str:
        """`namespace/name@version`."""
        return f"{self.namespace}/{self.template}@{self.version}"


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a deployment cannot carry on so many tasks; of all steps where `step` is None."""

    template: str
    step: str | None
    handler: str | None
    tasks: int
    code: Code
    what: str


def find_unfit(
    needed: Sequence[Needed],
    templates: Mapping[str, Template],
    handlers: Mapping[str, Handler | ChildHandler],
) -> Iterator[Unfit]:
    """What is missing or does not fit. `templates`: those that are needed, by their full names with the version."""
    for each in needed:
        handler = handlers.get(each.handler)
        if handler is None:
            hint = did_you_mean(each.handler, [*handlers])
            yield _unfit(
                each, "handler-missing", f"there is no handler {each.handler} here. {hint}".rstrip()
            )
        elif (template := templates.get(each.full_name)) is not None:
            for code, what in _compare(template, each.step, handler):
                yield _unfit(each, code, what)


def find_changed_version(
    registered: Mapping[str, Any], deployed: Template, tasks: int
) -> Unfit | None:
    """That a deployment brings another definition under a version that tasks have begun with: it is refused.

    `registered`: the definition as the database has it, which compares all of it, descriptions and order included.
    """
    if registered == orjson.loads(orjson.dumps(deployed.to_json())):
        return None
    changes = compare(read_template(registered), deployed)
    more = f", and {len(changes) - 1} more" if len(changes) > 1 else ""
    first = f"{'.'.join(changes[0].path)}: {changes[0].what}" if changes else "in other words"
    what = f"it is registered with another definition: {first}{more}. Give it a new version"
    name = f"{deployed.full_name}@{deployed.version}"
    return Unfit(name, None, None, tasks, "version-changed", what)


def _unfit(needed: Needed, code: Code, what: str) -> Unfit:
    return Unfit(needed.full_name, needed.step, needed.handler, needed.tasks, code, what)


def _compare(
    template: Template, name: str, handler: Handler | ChildHandler
) -> Iterator[tuple[Code, str]]:
    step, given = _read_step(template, name)
    if isinstance(handler, ChildHandler):
        if not _any_fits([template.input_schema], handler.input_schema):
            yield (
                "takes-less",
                f"the child takes another input: {_why([template.input_schema], handler.input_schema)}",
            )
        gives: Schema | None = handler.result_schema
    else:
        try:
            assigned = bind_handler(
                handler, replace(step, input_schema=None, result_schema=None)
            ).assignment
        except DefinitionError as error:
            yield "handler-misfit", str(error)
            return
        taken = (
            [*assigned.results]
            if assigned.task_input is None
            else [assigned.task_input, *assigned.results]
        )
        for parameter in taken:
            known = [given.get(parameter.name), _field(step.input_schema, parameter.name)]
            takes = parameter.shape.accepted
            if not _any_fits(known, takes):
                yield (
                    "takes-less",
                    f"it does not take {parameter.name} as it is given: {_why(known, takes)}",
                )
        gives = (
            stored_schema(step.kind, handler.signature.result)
            if handler.signature.result.adapter
            else None
        )
    if not _any_fits([gives], step.result_schema):
        yield (
            "gives-more",
            f"its result is not what the version promises: {_why([gives], step.result_schema)}",
        )


def _read_step(template: Template, name: str) -> tuple[StepDefinition, dict[str, Schema | None]]:
    """The step, or a compensation as one, and what it is given, by the names that its handler knows it by."""
    steps = {step.name: step for step in template.steps}
    given: dict[str, Schema | None] = {"input": template.input_schema}
    if name in steps:
        step = steps[name]
        for parent in step.depends_on:
            given[parent] = given_schema(steps[parent], step.kind)
        return step, given
    undone = steps[name.removeprefix(_UNDO)]
    undoing = undone.compensate
    assert undoing is not None
    taken = undone.depends_on if undoing.takes is None else undoing.takes
    for source in taken:
        item = undone.kind == "batch_worker" and source in undone.depends_on
        given[source] = given_schema(steps[source], "batch_worker" if item else "standard")
    given[undone.name] = undone.result_schema
    parents = tuple(dict.fromkeys([undone.name, *taken, *undone.depends_on]))
    return StepDefinition(name, undoing.handler, depends_on=parents), given


def _field(schema: Schema | None, name: str) -> Schema | None:
    if not isinstance(schema, Mapping) or name not in schema.get("properties", {}):
        return None
    return read_field(schema, name)


def _any_fits(given: Sequence[Schema | None], taken: Schema | None) -> bool:
    """Whether one of the contracts that a value meets is enough; where none is known, nothing is said."""
    known = [schema for schema in given if schema is not None]
    return taken is None or not known or any(_lack(schema, taken) is None for schema in known)


def _why(given: Sequence[Schema | None], taken: Any) -> str:
    return next(why for schema in given if schema is not None and (why := _lack(schema, taken)))


def _lack(given: Schema, taken: Schema) -> str | None:
    try:
        return find_lack(given, taken)
    except SchemaError as error:
        return str(error)
