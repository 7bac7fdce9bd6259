"""What is known where a part of an expression stands: the type of `.` and of each variable; and what a condition adds.
Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from tasker_grammar.expressions.syntax import (
    Binary,
    Call,
    GetField,
    Identity,
    Literal,
    Logic,
    Node,
    Pipe,
    Variable,
)
from tasker_grammar.type_algebra import (
    join,
    join_all,
    may_be,
    members,
    only,
    type_of_value,
    without,
)
from tasker_grammar.types import (
    Anything,
    Array,
    Boolean,
    Field,
    Never,
    Null,
    Number,
    Object,
    String,
    Type,
)

__all__ = ["BROADEST", "KINDS", "Flow", "narrow", "truthy"]

KINDS: Mapping[str, type[Type]] = {
    "null": Null,
    "boolean": Boolean,
    "number": Number,
    "string": String,
    "array": Array,
    "object": Object,
}
"""What `type` says, and the types of which it says so."""

BROADEST: Mapping[type[Type], Type] = {
    Null: Null(),
    Boolean: Boolean(),
    Number: Number(),
    String: String(),
    Array: Array(Anything()),
    Object: Object({}, Anything()),
}
"""By the kind, the type of all its values."""

Path = tuple[str, tuple[str, ...]]
"""The name of a variable, or ".", and the fields that lead from it."""

Filter = Callable[[Type], Type]


@dataclass(frozen=True, slots=True)
class Flow:
    """What is known at a place."""

    dot: Type
    variables: Mapping[str, Type] = field(default_factory=dict[str, Type])

    def at(self, dot: Type) -> Flow:
        """The same, where `.` is something else."""
        return Flow(dot, self.variables)

    def bind(self, name: str, type: Type) -> Flow:
        """The same, with a variable more."""
        return Flow(self.dot, {**self.variables, name: type})


def narrow(condition: Node, flow: Flow, truth: bool) -> Flow:
    """What is known where the condition came out as `truth`. Whatever is not understood adds nothing."""
    match condition:
        case Logic():
            return _narrow_logic(condition, flow, truth)
        case Pipe(right=Call(name="not", arguments=())):
            return narrow(condition.left, flow, not truth)
        case Pipe():
            return _narrow_behind(condition, flow, truth)
        case Binary(operator="==" | "!="):
            return _narrow_equal(condition, flow, truth == (condition.operator == "=="))
        case Call(name="has", arguments=(Literal(value=str(name)),)):
            return replace(flow, dot=_having(flow.dot, name, truth))
        case Literal(value=value):
            dead = bool(value is not None and value is not False) != truth
            return flow.at(Never()) if dead else flow
        case _:
            path = _path(condition)
            return flow if path is None else _refine(flow, path, truthy if truth else _falsy)


def truthy(type: Type) -> Type:
    """The type of those values that a condition takes for true."""
    kept = without(type, Null, Boolean)
    may_be_true = any(isinstance(m, Boolean) and m.value is not False for m in members(type))
    return join(kept, Boolean(True)) if may_be_true else kept


def _falsy(type: Type) -> Type:
    kept: list[Type] = []
    for member in members(type):
        match member:
            case Anything():
                kept += [Null(), Boolean(False)]
            case Null():
                kept.append(member)
            case Boolean() if member.value is not True:
                kept.append(Boolean(False))
            case _:
                pass
    return join_all(kept)


def _narrow_logic(condition: Logic, flow: Flow, truth: bool) -> Flow:
    first = narrow(condition.left, flow, truth)
    if truth == (condition.operator == "and"):
        return narrow(condition.right, first, truth)
    other = narrow(condition.right, narrow(condition.left, flow, not truth), truth)
    names = flow.variables
    either = {name: join(first.variables[name], other.variables[name]) for name in names}
    return Flow(join(first.dot, other.dot), either)


def _narrow_behind(condition: Pipe, flow: Flow, truth: bool) -> Flow:
    path = _path(condition.left)
    if path is None:
        return flow

    def narrowed(type: Type) -> Type:
        return narrow(condition.right, flow.at(type), truth).dot

    return _refine(flow, path, narrowed)


def _narrow_equal(condition: Binary, flow: Flow, truth: bool) -> Flow:
    for side, other in ((condition.left, condition.right), (condition.right, condition.left)):
        if not isinstance(other, Literal):
            continue
        if (path := _path(side)) is not None:
            return _refine(flow, path, partial(_equal, value=other.value, truth=truth))
        if (path := _path_of_type(side)) is not None:
            return _refine(flow, path, partial(_of_kind, kind=other.value, truth=truth))
    return flow


def _path_of_type(node: Node) -> Path | None:
    """Of `type` and `path | type`: what it is asked of."""
    match node:
        case Call(name="type", arguments=()):
            return ".", ()
        case Pipe(right=Call(name="type", arguments=())):
            return _path(node.left)
        case _:
            return None


def _path(node: Node) -> Path | None:
    match node:
        case Identity():
            return ".", ()
        case Variable():
            return node.name, ()
        case GetField():
            path = _path(node.of)
            return None if path is None else (path[0], (*path[1], node.name))
        case _:
            return None


def _refine(flow: Flow, path: Path, keep: Filter) -> Flow:
    root, names = path
    if root == ".":
        return flow.at(_refine_at(flow.dot, names, keep))
    if root not in flow.variables:
        return flow
    return flow.bind(root, _refine_at(flow.variables[root], names, keep))


def _refine_at(type: Type, names: tuple[str, ...], keep: Filter) -> Type:
    if not names:
        return keep(type)
    return join_all(_refine_field(member, names[0], names[1:], keep) for member in members(type))


def _refine_field(member: Type, name: str, names: tuple[str, ...], keep: Filter) -> Type:
    match member:
        case Null():
            return member if not isinstance(_refine_at(Null(), names, keep), Never) else Never()
        case Object():
            known = member.fields.get(name)
            if known is None:
                known = Field(Never() if member.rest is None else member.rest, required=False)
            read = known.type if known.required else join(known.type, Null())
            kept = _refine_at(read, names, keep)
            if isinstance(kept, Never):
                return kept
            return replace(member, fields={**member.fields, name: _refined(known, kept)})
        case _:
            return member


def _refined(known: Field, kept: Type) -> Field:
    can_be_null = may_be(kept, Null, Anything)
    if known.required or not can_be_null:
        return Field(kept)
    had_null = may_be(known.type, Null, Anything)
    return Field(kept if had_null else without(kept, Null), required=False)


def _having(type: Type, name: str, truth: bool) -> Type:
    return join_all(_has(member, name, truth) for member in members(type))


def _has(member: Type, name: str, truth: bool) -> Type:
    if not isinstance(member, Object):
        return member
    known = member.fields.get(name)
    if known is None:
        if member.rest is None:
            return Never() if truth else member
        known = Field(member.rest, required=False)
    if known.required:
        return member if truth else Never()
    field = Field(known.type) if truth else Field(Never(), required=False)
    return replace(member, fields={**member.fields, name: field})


def _of_kind(type: Type, kind: object, truth: bool) -> Type:
    wanted = KINDS.get(kind) if isinstance(kind, str) else None
    if wanted is None:
        return Never() if truth else type
    if not truth:
        return without(type, wanted)
    return BROADEST[wanted] if isinstance(type, Anything) else only(type, wanted)


def _equal(type: Type, value: bool | float | str | None, truth: bool) -> Type:
    return join_all(_equal_member(member, value, truth) for member in members(type))


def _equal_member(member: Type, value: bool | float | str | None, truth: bool) -> Type:
    narrow = type_of_value(value)
    match member, narrow:
        case Anything(), _:
            return narrow if truth else member
        case Null(), Null():
            return member if truth else Never()
        case Boolean(), Boolean():
            if truth:
                return narrow if member.value in (None, value) else Never()
            return Never() if member.value is value else Boolean(not value)
        case String(), String():
            return _equal_text(member, str(value), truth)
        case Number(), Number():
            return member  # a number may be equal to one that is written in another way
        case _:
            return Never() if truth else member


def _equal_text(member: String, value: str, truth: bool) -> Type:
    if member.values is None:
        return String(frozenset([value])) if truth else member
    kept = member.values & {value} if truth else member.values - {value}
    return String(kept, member.facets) if kept else Never()
