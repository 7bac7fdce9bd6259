"""Steps of templates that are compositions: how one is compiled, and what there is to be said of it. Pure.

A composition is checked where it stands, with what its template gives it and the resources that it may name. What it
gives is found by that, and becomes the step's result schema; what its input is made of becomes its input schema.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import Any, cast

from pydantic import ValidationError

from tasker.actions.programs import Runnable, Written, close
from tasker.checking.giving import given_schema
from tasker.checking.graph import find_choices, may_lack, read_graph
from tasker.errors import Fault
from tasker.template import StepDefinition
from tasker.vocabulary import Vocabulary
from tasker_grammar import expressions
from tasker_grammar.composition import Composition
from tasker_grammar.contracts import Contract, Schema, SchemaError, Yes, fits
from tasker_grammar.filling import parameter_places
from tasker_grammar.findings import Finding
from tasker_grammar.schema_types import schema_of, type_of
from tasker_grammar.shape import shape_findings
from tasker_grammar.telling import did_you_mean, show
from tasker_grammar.type_words import describe
from tasker_grammar.types import Array, Never, Null, Object, String, Type, Union
from tasker_grammar.types import Field as TypeField

__all__ = ["compile_steps", "find_references"]

Path = tuple[str | int, ...]


def compile_steps(
    steps: Sequence[StepDefinition],
    written: Mapping[str, Written],
    input_schema: Schema | None,
    vocabulary: Vocabulary,
) -> tuple[list[StepDefinition], list[Fault]]:
    """The steps, those that are compositions filled in: `written` has these by name. And what is to be said of them.

    A step that is found unsound stays as it is, and what is made of what it would give is not looked into: a fault is
    told once, where it is. Steps that share their name are told elsewhere.
    """
    known = {step.name: step for step in steps}
    times = Counter(step.name for step in steps)
    broken = {name for name in times if times[name] > 1}  # and those found unsound
    faults: list[Fault] = []
    for name in _in_order(steps):
        if name in written and times[name] == 1:
            index = next(n for n, step in enumerate(steps) if step.name == name)
            step = known[name]
            known[name], found = _compile(
                step, written[name], known, input_schema, broken, vocabulary
            )
            if known[name] is step and step.result_schema is None:
                broken.add(name)
            faults += [
                _fault(("steps", index), name, written[name], vocabulary, each) for each in found
            ]
    return [step if times[step.name] > 1 else known[step.name] for step in steps], faults


def find_references(
    source: str,
    step: StepDefinition,
    earlier: Sequence[StepDefinition],
    input_schema: Schema | None,
) -> frozenset[str]:
    """The names that an expression refers to, where it may see all earlier steps; all, where it is unsound."""
    known = {each.name: each for each in earlier}
    every = replace(step, depends_on=tuple(known))
    checked = expressions.check(source, Object(dict(_given(every, known, input_schema))))
    return checked.references if isinstance(checked, expressions.Expression) else frozenset(known)


def _in_order(steps: Sequence[StepDefinition]) -> list[str]:
    """The steps' names, each behind those that it depends on, as far as that can be."""
    names = [step.name for step in steps]
    try:
        order = TopologicalSorter({s.name: s.depends_on for s in steps}).static_order()
        return [name for name in order if name in names]
    except CycleError:
        return list(dict.fromkeys(names))


def _given(
    step: StepDefinition,
    known: Mapping[str, StepDefinition],
    input_schema: Schema | None,
) -> Iterator[tuple[str, TypeField]]:
    """What the input of a step is made of: the task's input, and what it depends on."""
    yield "input", TypeField(_type_of(input_schema))
    lacking = _lacking(step, known)
    for name in step.depends_on:
        if name in known and name != step.name:
            schema = given_schema(known[name], step.kind)
            yield name, TypeField(_type_of(schema), required=name not in lacking)


def _type_of(schema: Schema | None) -> Any:
    """The type that a schema says; anything, where it says none, or cannot be used: that is told elsewhere."""
    known = True if schema is None else schema
    try:
        Contract(known)
        return type_of(known)
    except (SchemaError, RecursionError):
        return type_of(True)


def _lacking(step: StepDefinition, known: Mapping[str, StepDefinition]) -> frozenset[str]:
    if step.kind != "deferred_convergence":
        return frozenset()
    try:
        graph = read_graph(list(known.values()))
        return may_lack(graph, find_choices(graph), step.name)
    except (CycleError, KeyError):  # told elsewhere
        return frozenset(step.depends_on)


def _compile(
    step: StepDefinition,
    written: Written,
    known: Mapping[str, StepDefinition],
    input_schema: Schema | None,
    broken: Collection[str],
    vocabulary: Vocabulary,
) -> tuple[StepDefinition, list[Finding]]:
    given = dict(_given(step, known, input_schema))
    unseen, told = _unseen(written.input, step, given, known)
    if not isinstance(written.composition, str | Composition):
        own = _read_own(written.composition, step.name)
        if not isinstance(own, Composition):
            return step, [*told, *own]
        written = replace(written, composition=own)
    config, runnable, findings = close(
        written, given, vocabulary.resources, vocabulary.compositions, {*broken, *unseen}
    )
    findings = [*told, *findings]
    if runnable is None:
        return step, findings
    inferred = runnable.result_schema
    if step.kind == "decision":
        answer = answer_schema(runnable.program.output)
        if answer is None:
            return step, [*findings, _no_answer(runnable)]
        inferred = answer
    findings += _check_result(step, inferred)
    result = inferred if step.result_schema is None else step.result_schema
    takes = _input_schema(runnable, given)
    return replace(step, config=config, input_schema=takes, result_schema=result), findings


def _unseen(
    source: str, step: StepDefinition, given: Mapping[str, TypeField], known: Collection[str]
) -> tuple[Collection[str], list[Finding]]:
    """The names that the expression of a step's input refers to without seeing them; and what is to be said of them.

    Of what the step depends on, it is said with its dependencies.
    """
    read = expressions.references(source)
    names = [] if isinstance(read, list) else sorted(read - given.keys())
    return names, [_not_seen(n, given, known) for n in names if n not in step.depends_on]


def _not_seen(name: str, given: Collection[str], known: Collection[str]) -> Finding:
    if name in known:
        what = f"its input refers to {show(name)}, which it does not depend on"
        hint = f"Add {name} to its dependencies."
    else:
        what = f"there is no step {show(name)}, nor anything else of that name"
        hint = did_you_mean(name, [*given, *known]) or f"The expression sees: {', '.join(given)}."
    return Finding("G103", "error", what, hint, "/input")


def _input_schema(runnable: Runnable, given: Mapping[str, TypeField]) -> dict[str, Any]:
    taken = {name: given[name] for name in given if name in runnable.takes}
    return {
        "type": "object",
        "properties": {name: schema_of(field.type) for name, field in taken.items()},
        "required": [name for name, field in taken.items() if field.required],
    }


def answer_schema(type: Type) -> Schema | None:
    """The schema of a decision's answers as they are stored, always as a list of names; None where the type is of no
    answers: a name, a list of names, or null.
    """
    match type:
        case Null():
            return {"type": "array", "maxItems": 0}
        case String():
            return {"type": "array", "items": schema_of(type), "maxItems": 1}
        case Array(items=String() | Never()):
            return schema_of(type)
        case Union():
            answers = [answer_schema(member) for member in sorted(type.of, key=repr)]
            return None if None in answers else {"anyOf": answers}
        case _:
            return None


def _no_answer(runnable: Runnable) -> Finding:
    what = "a decision's composition gives the name of a step, a list of names, or null"
    got = describe(runnable.program.output)
    return Finding("C309", "error", what, "Give the branch's name.", "/composition", got=got)


def _check_result(step: StepDefinition, inferred: Schema) -> list[Finding]:
    """Whether what it gives is what the template says that it gives."""
    if step.result_schema is None:
        return []
    try:
        verdict = fits(inferred, step.result_schema)
    except SchemaError:
        return []  # told elsewhere
    if isinstance(verdict, Yes):
        return []
    what = f"what the composition gives does not fit result_schema: at {verdict.path}: {verdict.explanation}"
    return [
        Finding("C309", "error", what, "Leave result_schema out: it is inferred.", "/result_schema")
    ]


def _read_own(given: object, step: str) -> Composition | list[Finding]:
    """A composition that stands in the template itself. Its name is the step's, if it has none."""
    name = "".join(c if c.isascii() and c.isalnum() else "_" for c in step.lower()).lstrip(
        "_0123456789"
    )
    if not isinstance(given, Mapping):
        what = "a composition is a name, or a mapping with its steps"
        return [Finding("P001", "error", what, 'As in "fetch_json".', "/composition")]
    try:
        fields = cast("Mapping[str, Any]", given)
        return Composition.model_validate({"name": name[:63] or "own", **fields})
    except ValidationError as error:
        return [each.below("/composition") for each in shape_findings(error, Composition)]


def _fault(
    path: Path, step: str, written: Written, vocabulary: Vocabulary, finding: Finding
) -> Fault:
    """A finding about a composition, where it stands in the template."""
    parts = finding.path.split("/")[1:]
    inner = f" (step {finding.step} of the composition)" if finding.step else ""
    what = f'step "{step}": {finding.message}{inner}'
    at = (*path, *_place(parts, written, vocabulary))
    return Fault(at, what, finding.hint, finding.code, finding.severity)


def _place(parts: Sequence[str], written: Written, vocabulary: Vocabulary) -> Path:
    """Where in the step stands what is at these parts of a pointer: in an argument, if one is there in its place."""
    match parts:
        case ["with" | "input" | "result_schema", *_]:
            return tuple(parts)
        case ["composition", *below]:
            pass
        case below:
            pass
    if not isinstance(written.composition, str | Composition):
        return ("composition", *(int(part) if part.isdecimal() else part for part in below))
    if isinstance(written.composition, str):
        found = vocabulary.compositions.find(written.composition)
        places = {} if found is None else parameter_places(found)
        for place, name in places.items():
            if f"/{'/'.join(below)}/".startswith(f"{place}/") and name in written.arguments:
                return ("with", name)
    return ("composition",)
