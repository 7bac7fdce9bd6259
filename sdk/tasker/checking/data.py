"""Whether each step is given what it takes: by name, and by schema. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, assert_never

from tasker.checking.codes import make_fault
from tasker.checking.fitting import Fitting
from tasker.checking.giving import given_schema, read_field
from tasker.checking.graph import Choices, Graph, may_lack
from tasker.errors import Fault
from tasker.names import Hints, did_you_mean
from tasker_grammar.contracts import No, Schema, Undecided, Yes

if TYPE_CHECKING:
    from tasker.template import StepDefinition, Template

__all__ = ["find_data_faults"]

Path = tuple[str | int, ...]


def find_data_faults(template: Template, graph: Graph, choices: Choices) -> Iterator[Fault]:
    """What steps take that nothing gives, that may not be there, or that does not fit."""
    fitting, hints = Fitting(), Hints(graph.steps)
    untold: set[str] = set()
    for index, step in enumerate(graph.steps.values()):
        schema = step.input_schema
        if not isinstance(schema, Mapping):
            continue
        path = ("steps", index, "input_schema")
        lacking = may_lack(graph, choices, step.name) if step.kind == "deferred_convergence" else ()
        for name, required in _read_fields(schema):
            at = (
                (*path, "properties", name)
                if name in schema.get("properties", {})
                else (*path, "required")
            )
            if name == "input":
                giver, given = "the task's input", template.input_schema
            elif step.kind == "dynamic":
                continue
            elif name in step.depends_on:
                parent = graph.steps[name]
                giver, given = f"step {name}", given_schema(parent, step.kind)
                if name in lacking and required:
                    yield _lacking(step, name, at)
            else:
                yield _unfilled(graph, step, name, at, hints)
                continue
            if given is not None:
                yield from _fit(fitting, step, name, giver, given, read_field(schema, name), at)
            elif name not in untold:
                untold.add(name)
                yield _untold(graph, step, name)


def _read_fields(schema: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    required = schema.get("required", ())
    for name in dict.fromkeys([*schema.get("properties", {}), *required]):
        yield name, name in required


def _unfilled(graph: Graph, step: StepDefinition, name: str, path: Path, hints: Hints) -> Fault:
    if name in graph.steps:
        what = f'step "{step.name}" takes the result of "{name}", which it does not depend on'
        mend = "Name it among the steps that it depends on."
        return make_fault("undeclared-dependency", path, what, mend)
    what = f'step "{step.name}" takes "{name}", which nothing gives it'
    mend = did_you_mean(name, ["input", *step.depends_on]) or hints.find(name, besides=step.name)
    mend = mend or f"It can take: {', '.join(['input', *step.depends_on][:20])}."
    return make_fault("data-without-source", path, what, mend)


def _lacking(step: StepDefinition, name: str, path: Path) -> Fault:
    what = f'step "{step.name}" requires the result of "{name}", which a decision may exclude'
    return make_fault("may-be-missing", path, what, "Take it out of required.")


def _untold(graph: Graph, step: StepDefinition, name: str) -> Fault:
    if name == "input":
        what = f'step "{step.name}" takes the task\'s input, of which nothing is said'
        return make_fault("no-input-schema", (), what, "Give the template an input_schema.")
    what = f'step "{step.name}" takes the result of "{name}", of which nothing is said'
    path = ("steps", graph.index[name])
    return make_fault("no-result-schema", path, what, f"Give {name} a result_schema.")


def _fit(
    fitting: Fitting,
    step: StepDefinition,
    name: str,
    giver: str,
    given: Schema,
    taken: Schema,
    path: Path,
) -> Iterator[Fault]:
    match fitting.judge(given, taken):
        case Yes():
            return
        case No(at, why):
            what = (
                f'step "{step.name}" takes {name} otherwise than {giver} gives it, at {at}: {why}'
            )
            mend = "Change what is given, or what is taken."
            yield make_fault("contract-misfit", path, what, mend)
        case Undecided(at, why):
            what = (
                f'whether what {giver} gives fits what step "{step.name}" takes was not decided,'
                f" at {at}: {why}"
            )
            mend = "Write both in simpler terms, or see to it that it does."
            yield make_fault("contract-undecided", path, what, mend)
        case _ as never:
            assert_never(never)
