"""What is to be written for a template, in whatever language: its types, and of each handler what it takes and
gives. Pure.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import orjson

from tasker.checking.graph import find_certain, find_choices, may_lack, read_graph
from tasker.errors import GenerateError
from tasker.generate.bundle import Bundle
from tasker.generate.json_values import items_of, members_of
from tasker.generate.types import Anything, ListOf, Type
from tasker.names import OWN_HANDLERS
from tasker.template import Compensation, Kind, StepDefinition, Template
from tasker_grammar.contracts import Schema

__all__ = ["Example", "Gathered", "HandlerPlan", "Plan", "Taken", "choose", "contract", "make_plan"]

_NAMES = re.compile(r"Named\(name='(\w+)'\)|'\$ref': '#/\$defs/(\w+)'")

Source = Literal["input", "result", "item", "argument"]


@dataclass(frozen=True, slots=True)
class Gathered:
    """How a convergence takes a batch: as a list, or with the failures beside it."""

    of: Type
    with_failures: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """Something that a handler takes: by its name in the template, as `input`, a step or an argument."""

    name: str
    source: Source
    type: Type
    example: Example
    gathered: Gathered | None = None
    """Of a batch or of dynamic steps: all that they came to."""
    may_lack: bool = False
    """Whether it may be missing: then the handler takes null."""


@dataclass(frozen=True, slots=True)
class Example:
    """Where an example of a value is made from: a schema, and the place in it."""

    schema: Schema | None
    at: str = "#"
    whole: Literal["one", "list", "results"] = "one"


@dataclass(frozen=True, slots=True)
class HandlerPlan:
    """A handler: the steps that it runs, what it takes, and what it gives."""

    handler: str
    step: str
    """The step that it runs, or that it undoes; the first, if there are several."""
    kind: Kind | Literal["compensation"]
    takes: tuple[Taken, ...]
    gives: Type
    """Of a batchable step, of one item."""
    example: Example
    branches: tuple[str, ...] = ()
    """Of a decision: the steps that it chooses from."""
    expands: tuple[str, ...] = ()
    description: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A template, with all that code in any language needs to know of it."""

    template: Template
    definitions: Mapping[str, dict[str, Any]]
    input: Type
    result: Type
    """What a task comes to, when that is one step's result whatever its decisions say."""
    handlers: tuple[HandlerPlan, ...] = field(default=())

    @property
    def named(self) -> frozenset[str]:
        """The definitions that code calls by their names; others stand only within these."""
        types = [self.input, self.result, *(each.gives for each in self.handlers)]
        types += [taken.type for each in self.handlers for taken in each.takes]
        return frozenset(_names_in(types))


def make_plan(template: Template) -> Plan:
    """Read a template. Raises GenerateError."""
    reader = _Reader(template, Bundle())
    task_input = reader.bundle.add(f"{template.name} Input", template.input_schema)
    handlers = tuple(_merge(list(reader.handlers())))
    return Plan(template, reader.bundle.definitions, task_input, reader.result(), handlers)


def choose(decision: HandlerPlan, example: Any) -> list[str]:
    """The branches that a decision's example chooses: what its result schema says, if that names any, else the
    first.
    """
    named = cast("list[Any]", example) if isinstance(example, list) else [example]
    return [name for name in named if name in decision.branches] or [decision.branches[0]]


def contract(plan: Plan, each: HandlerPlan) -> str:
    """Tells whether what a handler takes and gives is still the same, definitions and all."""
    used: dict[str, Any] = {}
    left = _names_in([each.gives, *(one.type for one in each.takes)])
    while left:
        name = left.pop()
        if name not in used:
            used[name] = plan.definitions[name]
            left += _names_in(plan.definitions[name])
    takes = [(one.name, repr(one.type), one.may_lack, repr(one.gathered)) for one in each.takes]
    whole = [each.kind, takes, repr(each.gives), each.branches, used]
    return hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).hexdigest()[:8]


def _names_in(value: Any) -> list[str]:
    """The definitions that types, or a bundled schema, refer to."""
    return [one or other for one, other in _NAMES.findall(repr(value))]


class _Reader:
    """Reads the steps of one template into one bundle."""

    def __init__(self, template: Template, bundle: Bundle) -> None:
        self.template = template
        self.bundle = bundle
        self.graph = read_graph(template.steps)
        self.choices = find_choices(self.graph)
        self.steps = self.graph.steps

    def handlers(self) -> Iterator[HandlerPlan]:
        for step in self.template.steps:
            if step.handler not in OWN_HANDLERS:
                yield self.handler(step)
        for step in self.template.steps:
            if step.compensate is not None:
                yield self.compensation(step, step.compensate)

    def handler(self, step: StepDefinition) -> HandlerPlan:
        branches = (
            [other.name for other in self.template.steps if step.name in other.depends_on]
            if step.kind == "decision"
            else []
        )
        schema = step.result_schema
        item = step.kind == "batchable"
        gives = self.item(step) if item else self.result_of(step)
        return HandlerPlan(
            step.handler,
            step.name,
            step.kind,
            tuple(self.takes(step)),
            gives,
            Example(schema),
            tuple(branches),
            step.expands,
            step.description or "",
        )

    def compensation(self, step: StepDefinition, undo: Compensation) -> HandlerPlan:
        taken = step.depends_on if undo.takes is None else undo.takes
        names = [name for name in dict.fromkeys(taken) if self.steps[name].kind != "decision"]
        takes = [self.parent(step, name, lacking=True) for name in names if name != step.name]
        own = self.parent(step, step.name, lacking=undo.when == "started")
        return HandlerPlan(
            undo.handler, step.name, "compensation", (own, *takes), Anything(), Example(None)
        )

    def takes(self, step: StepDefinition) -> Iterator[Taken]:
        """What its input schema names; without one, all that it can be given."""
        fields = self.fields(step)
        if step.kind == "dynamic":
            yield from (
                self.own_field(step, name, "argument") for name in fields if name != "input"
            )
        gathers = step.kind == "deferred_convergence"
        lacking = may_lack(self.graph, self.choices, step.name) if gathers else ()
        for name in step.depends_on:
            usual = self.steps[name].kind != "decision"
            if name in fields if fields else usual:
                yield self.parent(step, name, lacking=name in lacking)
        usual = self.template.input_schema is not None or not step.depends_on
        if "input" in fields if fields else usual and step.kind != "dynamic":
            yield self.task_input(step)

    def task_input(self, step: StepDefinition) -> Taken:
        schema = self.template.input_schema
        own = self.fields(step).get("input")
        if own in (None, True, schema):
            kind = self.bundle.add(f"{self.template.name} Input", schema)
            return Taken("input", "input", kind, Example(schema))
        return self.own_field(step, "input", "input")

    def own_field(self, step: StepDefinition, name: str, source: Source) -> Taken:
        at = "#/properties/" + name.replace("~", "~0").replace("/", "~1")
        kind = self.bundle.add(f"{step.name} {name}", step.input_schema, at)
        return Taken(
            name,
            source,
            kind,
            Example(step.input_schema, at),
            may_lack=source == "argument" and name not in self.required(step),
        )

    def parent(self, step: StepDefinition, name: str, *, lacking: bool) -> Taken:
        parent = self.steps[name]
        fields = self.fields(step)
        own = fields.get(name)
        is_item = parent.kind == "batchable" and step.kind == "batch_worker"
        if own not in (None, True, parent.result_schema) and name != step.name:
            source = "item" if is_item else "result"
            taken = self.own_field(step, name, source)
            return Taken(name, source, taken.type, taken.example, may_lack=lacking)
        schema = parent.result_schema
        if is_item:
            at = "#/items" if isinstance(schema, Mapping) and "items" in schema else "#"
            item = Example(schema if at == "#/items" else None, at)
            return Taken(name, "item", self.item(parent), item)
        kind = self.result_of(parent)
        gathers = parent.kind in ("batch_worker", "dynamic") and step.kind == "deferred_convergence"
        if gathers:
            failures = parent.kind == "batch_worker" and parent.batch.on_failure == "continue"
            return Taken(
                name,
                "result",
                ListOf(kind),
                Example(schema, whole="results" if failures else "list"),
                Gathered(kind, failures),
                may_lack=lacking,
            )
        return Taken(name, "result", kind, Example(schema), may_lack=lacking)

    def result_of(self, step: StepDefinition) -> Type:
        return self.bundle.add(f"{step.name} Result", step.result_schema)

    def item(self, step: StepDefinition) -> Type:
        schema = step.result_schema
        if isinstance(schema, Mapping) and "items" in schema:
            return self.bundle.add(f"{step.name} Item", schema, "#/items")
        whole = self.bundle.add(f"{step.name} Result", schema)
        return whole.items if isinstance(whole, ListOf) else Anything()

    def fields(self, step: StepDefinition) -> Mapping[str, Any]:
        return members_of(members_of(step.input_schema).get("properties"))

    def required(self, step: StepDefinition) -> list[Any]:
        return items_of(members_of(step.input_schema).get("required"))

    def result(self) -> Type:
        parents = {name for step in self.template.steps for name in step.depends_on}
        last = [step for step in self.template.steps if step.name not in parents]
        last = [step for step in last if step.kind != "dynamic"]
        if len(last) == 1 and last[0].name in find_certain(self.graph):
            return self.result_of(last[0])
        return Anything()


def _merge(handlers: list[HandlerPlan]) -> Iterator[HandlerPlan]:
    """One plan a handler: of one that runs several steps, what all of them have."""
    by_name: dict[str, list[HandlerPlan]] = {}
    for plan in handlers:
        by_name.setdefault(plan.handler, []).append(plan)
    for name, plans in by_name.items():
        first, *others = plans
        if len({plan.kind for plan in plans}) > 1:
            kinds = ", ".join(f"{plan.step} ({plan.kind})" for plan in plans)
            raise GenerateError(
                f"handler {name} runs steps of several kinds: {kinds}. Name a handler for each kind"
            )
        shared = [taken for taken in first.takes if all(taken in other.takes for other in others)]
        same = all(other.gives == first.gives for other in others)
        branches = tuple(dict.fromkeys(branch for plan in plans for branch in plan.branches))
        yield HandlerPlan(
            name,
            first.step,
            first.kind,
            tuple(shared),
            first.gives if same else Anything(),
            first.example,
            branches if not others else first.branches,
            first.expands,
            first.description,
        )
