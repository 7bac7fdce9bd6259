"""The type of what each part of an expression gives, from the types of what it is given. Pure.

All faults are collected; where one was found, the type is Never, of which nothing more is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from tasker_grammar.expressions import access, arithmetic
from tasker_grammar.expressions.counts import AT_MOST_ONE, ONE, Count, elements_of
from tasker_grammar.expressions.faults import Fault
from tasker_grammar.expressions.flow import Flow, narrow, truthy
from tasker_grammar.expressions.library import FUNCTIONS, Site
from tasker_grammar.expressions.syntax import (
    At,
    Binary,
    Bind,
    Call,
    Comma,
    Each,
    Either,
    GetField,
    Identity,
    If,
    Index,
    ListOf,
    Literal,
    Logic,
    Negate,
    Node,
    ObjectOf,
    Pipe,
    Slice,
    Text,
    Variable,
)
from tasker_grammar.findings import Finding
from tasker_grammar.type_algebra import is_all, join, may_be, members, type_of_value
from tasker_grammar.type_words import describe
from tasker_grammar.types import (
    Anything,
    Array,
    Boolean,
    Field,
    Never,
    Number,
    Object,
    String,
    Type,
)

__all__ = ["Inference", "Seen"]

_ONE_OF_MANY = "Put them into a list with […], or take one with first(…)."


@dataclass(frozen=True, slots=True)
class Seen:
    """What a part gives: the type of each value, and how many there are."""

    type: Type
    count: Count = ONE


@dataclass(slots=True)
class Inference:
    """One reading of an expression. `can_fail`: whether some part was seen that may fail by its data."""

    findings: list[Finding] = field(default_factory=list[Finding])
    can_fail: bool = False

    def infer_whole(self, node: Node, given: Type) -> Type:
        """The type of an expression, which gives exactly one value."""
        return self.infer_one(node, Flow(given), "the expression")

    def infer_one(self, node: Node, flow: Flow, what: str) -> Type:
        """The type of a part that must give exactly one value; `what`: how a finding calls it."""
        seen = self.infer(node, flow)
        if seen.count == ONE:
            return seen.type
        hint = _ONE_OF_MANY
        if seen.count == AT_MOST_ONE:
            hint = "Use `// default` for when there is none, or […] for a list."
        message = f"{what} must give exactly one value, and gives {seen.count.words}"
        fault = Fault("X105", node.at, message, hint, expected="one value", got=seen.count.words)
        self.report(fault)
        return seen.type

    def report(self, fault: Fault) -> None:
        """Keep the finding; the same is said once."""
        if fault.finding not in self.findings:
            self.findings.append(fault.finding)

    def attempt(self, find: Callable[[], Type]) -> Type:
        """What is found, or Never where it is at fault."""
        try:
            return find()
        except Fault as fault:
            self.report(fault)
            return Never()

    def infer(self, node: Node, flow: Flow) -> Seen:
        """What a part gives at a place."""
        match node:
            case Identity():
                return Seen(flow.dot)
            case Literal():
                return Seen(type_of_value(node.value))
            case Variable():
                return Seen(self.attempt(lambda: _variable(node, flow)))
            case GetField():
                of = self.infer(node.of, flow)
                at = node.name_at
                return Seen(self.attempt(lambda: access.field(of.type, node.name, at)), of.count)
            case Index():
                return self._infer_index(node, flow)
            case Slice():
                return self._infer_slice(node, flow)
            case Each():
                of = self.infer(node.of, flow)
                count = of.count.times(elements_of(*members(of.type)))
                return Seen(self.attempt(lambda: access.every(of.type, node.at)), count)
            case Text():
                return self._infer_text(node, flow)
            case ListOf():
                body = Seen(Never(), Count(0, 0))
                body = body if node.body is None else self.infer(node.body, flow)
                return Seen(Array(body.type, body.count.facets))
            case ObjectOf():
                return self._infer_object(node, flow)
            case Pipe():
                left = self.infer(node.left, flow)
                right = self.infer(node.right, flow.at(left.type))
                return Seen(right.type, left.count.times(right.count))
            case Comma():
                sides = self.infer(node.left, flow), self.infer(node.right, flow)
                return Seen(join(sides[0].type, sides[1].type), sides[0].count.plus(sides[1].count))
            case Either():
                return self._infer_either(node, flow)
            case Logic():
                self.infer_one(node.left, flow, f"the left of '{node.operator}'")
                right = narrow(node.left, flow, node.operator == "and")
                self.infer_one(node.right, right, f"the right of '{node.operator}'")
                return Seen(Boolean())
            case Binary():
                return self._infer_binary(node, flow)
            case Negate():
                of = self.infer_one(node.of, flow, "what '-' stands before")
                self.can_fail = True
                return Seen(self.attempt(lambda: arithmetic.negate(of, node.at)))
            case If():
                return self._infer_if(node, flow)
            case Bind():
                value = self.infer(node.value, flow)
                body = self.infer(node.body, flow.bind(node.name, value.type))
                return Seen(body.type, value.count.times(body.count))
            case Call():
                return self._infer_call(node, flow)

    def _infer_index(self, node: Index, flow: Flow) -> Seen:
        of = self.infer(node.of, flow)
        index = self.infer_one(node.index, flow, "what stands in […]")

        def read() -> Type:
            if is_all(index, String):
                return access.fields(of.type, index, node.at)
            if _is_whole(index):
                return access.element(of.type, _literal_index(node.index), node.at)
            message = f"what stands in […] is a text or an integer, not {describe(index)}"
            raise Fault("X103", node.index.at, message, "Use floor, and `// default`.")

        return Seen(self.attempt(read), of.count)

    def _infer_slice(self, node: Slice, flow: Flow) -> Seen:
        of = self.infer(node.of, flow)
        for bound in (node.start, node.end):
            if bound is None:
                continue
            type = self.infer_one(bound, flow, "what stands in […]")
            if not _is_whole(type):
                message = f"a part goes from one integer to another, not to {describe(type)}"
                self.report(Fault("X103", bound.at, message, "Use floor, and `// default`."))
        return Seen(self.attempt(lambda: access.part(of.type, node.at)), of.count)

    def _infer_text(self, node: Text, flow: Flow) -> Seen:
        for part in node.parts:
            if not isinstance(part, str):
                hole = self.infer_one(part, flow, "a hole in a text")
                self.can_fail = self.can_fail or writes_numbers(hole)
        return Seen(String())

    def _infer_object(self, node: ObjectOf, flow: Flow) -> Seen:
        fields: dict[str, Field] = {}
        for name, value, at in node.entries:
            if name in fields:
                message = f"the name {name!r} stands twice in this object"
                self.report(Fault("X107", at, message, "Leave one out."))
            fields[name] = Field(self.infer_one(value, flow, f"the field {name!r}"))
        return Seen(Object(fields))

    def _infer_either(self, node: Either, flow: Flow) -> Seen:
        left = self.infer(node.left, flow)
        right = self.infer(node.right, flow)
        sure = truthy(left.type)
        if sure == left.type and left.count.least:
            return left
        count = left.count.either(right.count)
        return Seen(join(sure, right.type), replace(count, least=min(1, right.count.least)))

    def _infer_binary(self, node: Binary, flow: Flow) -> Seen:
        left = self.infer_one(node.left, flow, f"the left of '{node.operator}'")
        right = self.infer_one(node.right, flow, f"the right of '{node.operator}'")
        at = node.at
        match node.operator:
            case "==" | "!=" as operator:
                return Seen(self.attempt(lambda: arithmetic.equate(operator, left, right, at)))
            case "<" | "<=" | ">" | ">=" as operator:
                return Seen(self.attempt(lambda: arithmetic.compare(operator, left, right, at)))
            case operator:
                type = self.attempt(lambda: arithmetic.compute(operator, left, right, at))
                computes = may_be(type, Number) or operator == "%"
                self.can_fail = self.can_fail or computes
                return Seen(type)

    def _infer_if(self, node: If, flow: Flow) -> Seen:
        self.infer_one(node.condition, flow, "the condition of if")
        then = self.infer(node.then, narrow(node.condition, flow, True))
        otherwise = self.infer(node.otherwise, narrow(node.condition, flow, False))
        return Seen(join(then.type, otherwise.type), then.count.either(otherwise.count))

    def _infer_call(self, node: Call, flow: Flow) -> Seen:
        function = FUNCTIONS.get((node.name, len(node.arguments)))
        if function is None:
            self.report(_unknown_function(node, flow.dot))
            return Seen(Never())
        site = _CallSite(self, node, flow)
        type = self.attempt(lambda: function.infer(site))
        for index in range(site.arity):  # those that nothing is ever given to
            if index not in site.counts:
                site.one(index, Never())
        self.can_fail = self.can_fail or site.fails
        return Seen(type, function.count([site.counts[i] for i in range(site.arity)]))


@dataclass(slots=True)
class _CallSite(Site):
    inference: Inference
    node: Call
    flow: Flow
    counts: dict[int, Count] = field(default_factory=dict[int, Count])
    fails: bool = False

    @property
    def at(self) -> At:
        return self.node.at

    @property
    def given(self) -> Type:
        return self.flow.dot

    @property
    def arity(self) -> int:
        return len(self.node.arguments)

    def syntax(self, index: int) -> Node:
        return self.node.arguments[index]

    def one(self, index: int, dot: Type | None = None) -> Type:
        flow = self.flow if dot is None else self.flow.at(dot)
        what = f"the argument of {self.node.name}"
        self.counts[index] = ONE
        return self.inference.infer_one(self.node.arguments[index], flow, what)

    def many(self, index: int, dot: Type | None = None) -> Type:
        flow = self.flow if dot is None else self.flow.at(dot)
        seen = self.inference.infer(self.node.arguments[index], flow)
        self.counts[index] = seen.count
        return seen.type

    def count(self, index: int) -> Count:
        return self.counts[index]

    def narrowed(self, index: int, truth: bool) -> Type:
        return narrow(self.node.arguments[index], self.flow, truth).dot

    def fail(self) -> None:
        self.fails = True


def writes_numbers(type: Type) -> bool:
    """Whether a value of the type, written as text, may hold a number."""
    match type:
        case Number() | Anything():
            return True
        case Array():
            return writes_numbers(type.items)
        case Object():
            rest = type.rest is not None and writes_numbers(type.rest)
            return rest or any(writes_numbers(each.type) for each in type.fields.values())
        case _:
            parts = members(type)
            return len(parts) > 1 and any(map(writes_numbers, parts))


def _variable(node: Variable, flow: Flow) -> Type:
    if node.name in flow.variables:
        return flow.variables[node.name]
    close = get_close_matches(node.name, flow.variables, 1)
    hint = f"Did you mean ${close[0]}?" if close else f"Bind it: … as ${node.name} | …"
    raise Fault("X106", node.at, f"there is no variable ${node.name} here", hint)


def _is_whole(type: Type) -> bool:
    return all(isinstance(member, Number) and member.integer for member in members(type))


def _literal_index(node: Node) -> int | None:
    return node.value if isinstance(node, Literal) and isinstance(node.value, int) else None


def _unknown_function(node: Call, given: Type) -> Fault:
    arities = sorted(arity for name, arity in FUNCTIONS if name == node.name)
    if arities:
        takes = " or ".join(map(str, arities))
        message = f"{node.name} takes {takes} arguments, and is given {len(node.arguments)}"
        return Fault("X002", node.at, message, "Arguments are told apart by `;`.")
    fields = {n for m in members(given) if isinstance(m, Object) for n in m.fields}
    if not node.arguments and node.name in fields:
        return Fault(
            "X003", node.at, f"there is no function {node.name}", f"Did you mean .{node.name}?"
        )
    close = get_close_matches(node.name, [name for name, _ in FUNCTIONS], 1)
    hint = f"Did you mean {close[0]}?" if close else "`tasker expression functions` lists all."
    return Fault("X003", node.at, f"there is no function {node.name}", hint)
