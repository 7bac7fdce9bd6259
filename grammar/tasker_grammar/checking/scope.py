"""What a primitive's `check` may ask, for one step: the Scope of `primitives.interface`. Pure but for the findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from tasker_grammar.checking.closing import CheckSteps, is_usable
from tasker_grammar.checking.fitting import judge
from tasker_grammar.checking.place import DEEPEST, Check, Place
from tasker_grammar.checking.reading import Step
from tasker_grammar.checking.using import use
from tasker_grammar.contracts import Schema, Yes
from tasker_grammar.expressions import Expression, check, references
from tasker_grammar.findings import Finding
from tasker_grammar.primitives.interface import Program
from tasker_grammar.resources import Action, Endpoint, Event, Resource, Resources, Table
from tasker_grammar.telling import did_you_mean, show
from tasker_grammar.type_words import describe
from tasker_grammar.types import Object, Type

__all__ = ["StepScope"]

_LONGEST_SCHEMA = 100_000
_NO_SUCH = {"endpoint": "R501", "table": "R501", "event": "R502", "action": "R503"}


class StepScope:
    """Answers for one step, and keeps what was asked: `read`, names in its expressions; `named`, its resources by
    field; `inner_label`, of what steps within it give. `place` is what surrounds this step, by itself; `given` is what
    its expressions see.
    """

    def __init__(
        self,
        check: Check,
        place: Place,
        step: Step,
        given: Object,
        inner: CheckSteps,
    ) -> None:
        self.check = check
        self.place = place
        self.path = f"{place.path}/{step.index}"
        self.name = place.name_of(step.id)
        self.read: set[str] = set()
        self.named: list[tuple[str, Resource]] = []
        self.inner_label = 0
        self.given = given
        self.inner = inner

    def report(
        self,
        code: str,
        field: str,
        message: str,
        hint: str = "",
        *,
        expected: str | None = None,
        got: str | None = None,
    ) -> None:
        """Report a finding at a field of the step."""
        path = self.path + field
        self.check.report(code, path, self.name, message, hint, expected=expected, got=got)

    def expression(self, field: str, source: str) -> Expression | None:
        """The expression, checked; None too where it sees a step that is broken itself: that is reported there."""
        names = references(source)
        if isinstance(names, list):
            self.add(field, names)
            return None
        unknown = sorted(names - self.given.fields.keys() - self.place.broken)
        for name in unknown:
            what = f"there is no step {show(name)}, nor anything else of that name"
            known = [*self.given.fields, *self.place.broken]
            hint = did_you_mean(name, known) or f"The expression sees: {', '.join(known)}."
            self.report("G103", field, what, hint)
        if unknown or names & self.place.broken:
            return None
        found = check(source, self.given)
        if isinstance(found, list):
            self.add(field, found)
            return None
        self.read |= found.references
        return found

    def fit(self, field: str, code: str, given: Type, taken: Schema) -> bool:
        """Whether it fits; if it is not decided, it does not."""
        verdict = judge(given, taken)
        if isinstance(verdict, Yes):
            return True
        what = f"at {verdict.path}: {verdict.explanation}"
        hint = "Give it as the contract has it; a `validate` before this step holds a value to a schema."
        self.report(code, field, what, hint, got=describe(given))
        return False

    def resource(self, field: str, kind: str, name: str) -> Resource | None:
        """The resource, if it is there, its schemas are usable, and it may be used here."""
        known = _of_kind(self.check.resources, kind)
        found = known.get(name)
        if found is None:
            hint = did_you_mean(name, known) or _name_all(known)
            self.report(_NO_SUCH[kind], field, f"there is no {kind} {show(name)}", hint)
            return None
        allowed = self.check.bounds.resources
        if allowed is not None and name not in allowed:
            what = f"the {kind} {show(name)} may not be used here"
            self.report("R509", field, what, f"These may: {', '.join(allowed) or 'none'}.")
            return None
        if not all(self._is_usable(field, schema) for schema in _schemas_of(found)):
            return None
        self.named.append((field, found))
        return found

    def schema(self, field: str, given: str | dict[str, Any] | bool) -> Schema | None:
        """A contract by its name, or as it stands: then it is not for a fragment."""
        if isinstance(given, str):
            known = self.check.resources.schemas
            if given not in known:
                hint = did_you_mean(given, known) or _name_all(known)
                self.report("R501", field, f"there is no schema {show(given)}", hint)
                return None
            given = known[given]
        elif self.place.fragment:
            self.report_own_schema(field)
            return None
        elif len(str(given)) > _LONGEST_SCHEMA:
            what = f"the schema has more than {_LONGEST_SCHEMA} characters"
            self.report("S602", field, what, "Make it a schema of the resources, and smaller.")
            return None
        return given if self._is_usable(field, given) else None

    def program(
        self, field: str, steps: Sequence[Mapping[str, Any]], result: str, given: Object
    ) -> Program | None:
        """Steps within this one. What they see beyond what it sees itself, it has made of what it read."""
        if self.place.depth >= DEEPEST:
            self.report_depth(field)
            return None
        read = self.label_of(self.read)
        labels = {name: self.place.labels.get(name, read) for name in given.fields}
        place = replace(
            self.place,
            path=self.path + field,
            step=self.name,
            given=given,
            labels=labels,
            control=max(self.place.control, read),
            depth=self.place.depth + 1,
        )
        program, label = self.inner(self.check, steps, result, place)
        self.inner_label = max(self.inner_label, label)
        return program

    def composition(
        self, field: str, name: str, arguments: Mapping[str, Any], input: Type
    ) -> Program | None:
        """A named composition, filled in and checked for this place."""
        return use(self, field, name, arguments, input)

    def report_depth(self, field: str) -> None:
        """Report that steps stand too deep within others."""
        what = f"steps stand within steps more than {DEEPEST} deep"
        self.report("B207", field, what, "Do in one step after the other what can be done so.")

    def report_own_schema(self, field: str) -> None:
        """Report that a fragment has a schema that is not one of the resources."""
        what = "a fragment cannot have a schema of its own"
        known = ", ".join(self.check.resources.schemas) or "none"
        self.report("S601", field, what, f"Name one of the resources: {known}.")

    def label_of(self, names: Set[str]) -> int:
        """The highest label of what these names stand for."""
        return max((self.place.labels.get(name, 0) for name in names), default=0)

    def add(self, field: str, found: Sequence[Finding]) -> None:
        """Add what was found in a field."""
        self.check.findings += [each.below(self.path + field, self.name) for each in found]

    def _is_usable(self, field: str, schema: Schema) -> bool:
        return is_usable(self.check, self.path + field, schema, self.name)


def _name_all(known: Mapping[str, object]) -> str:
    if known:
        return f"There are: {', '.join(known)}."
    return "The resources have none. Are they given, with --resources or as resources=?"


def _of_kind(resources: Resources, kind: str) -> Mapping[str, Resource]:
    return {
        "endpoint": resources.endpoints,
        "table": resources.tables,
        "event": resources.events,
        "action": resources.actions,
    }[kind]


def _schemas_of(resource: Resource) -> tuple[Schema, ...]:
    match resource:
        case Endpoint():
            return resource.params, resource.result
        case Table():
            return (resource.row,)
        case Event():
            return (resource.payload,)
        case Action():
            return resource.input, resource.result
