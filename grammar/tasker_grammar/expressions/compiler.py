"""From a checked syntax tree to closures. Pure.

Types were checked before, so closures do not look at them again, but where jq's answer depends on the value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from tasker_grammar.expressions import operators
from tasker_grammar.expressions.codes import Code, Env, One
from tasker_grammar.expressions.evaluation import Meter
from tasker_grammar.expressions.kinds import is_object
from tasker_grammar.expressions.library import FUNCTIONS
from tasker_grammar.expressions.syntax import (
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
from tasker_grammar.expressions.writing import to_text

__all__ = ["compile"]

_IDENTITY = Code.of_one(lambda value, env, meter: value, 0, ((),))

Names = tuple[str, ...]
"""The variables in reach, outermost first; of two with the same name the last is meant."""


def compile(node: Node, names: Names = ()) -> Code:
    """The code of a part."""
    match node:
        case Identity():
            return _IDENTITY
        case Literal(value=constant):
            return Code.of_one(lambda value, env, meter: constant, 0)
        case Variable(name=name):
            place = len(names) - 1 - names[::-1].index(name)
            return Code.of_one(lambda value, env, meter: env[place], 0)
        case GetField():
            return _get_field(compile(node.of, names), node.name)
        case Index():
            index = compile(node.index, names).single
            return _map_one(compile(node.of, names), [index], operators.index)
        case Slice():
            return _slice(node, names)
        case Each():
            return _each(compile(node.of, names))
        case Text():
            return _text(node, names)
        case ListOf():
            return _list(node, names)
        case ObjectOf():
            return _object(node, names)
        case Pipe():
            return _pipe(compile(node.left, names), compile(node.right, names))
        case Comma():
            return _comma(compile(node.left, names), compile(node.right, names))
        case Either():
            return _either(compile(node.left, names), compile(node.right, names))
        case Logic():
            return _logic(node, names)
        case Binary():
            apply = operators.BINARY[node.operator]
            return _apply_two(apply, compile(node.left, names), compile(node.right, names))
        case Negate():
            return _map_one(compile(node.of, names), [], operators.negate)
        case If():
            return _if(node, names)
        case Bind():
            return _bind(compile(node.value, names), compile(node.body, (*names, node.name)))
        case Call():
            arguments = [compile(argument, names) for argument in node.arguments]
            return FUNCTIONS[node.name, len(arguments)].build(arguments)


def _map_one(of: Code, arguments: list[One], apply: Callable[..., Any]) -> Code:
    """`apply(meter, value, …)` on each value that `of` gives; the arguments are evaluated at the outer `.`"""
    cost = of.cost + 1
    if of.one is not None:
        get = of.one

        def one(value: Any, env: Env, meter: Meter) -> Any:
            found = get(value, env, meter)
            return apply(meter, found, *(argument(value, env, meter) for argument in arguments))

        return Code.of_one(one, cost)

    def many(value: Any, env: Env, meter: Meter) -> Iterator[Any]:
        for found in of.many(value, env, meter):
            yield apply(meter, found, *(argument(value, env, meter) for argument in arguments))

    return Code.of_many(many, cost, of.count)


def _get_field(of: Code, name: str) -> Code:
    if of.one is None:
        return _map_one(of, [], partial(operators.field, name=name))
    paths = None if of.paths is None else tuple((*path, name) for path in of.paths)
    if of is _IDENTITY:
        return Code.of_one(
            lambda value, env, meter: None if value is None else value.get(name), 1, paths
        )
    get = of.one

    def one(value: Any, env: Env, meter: Meter) -> Any:
        found = get(value, env, meter)
        return None if found is None else found.get(name)

    return Code.of_one(one, of.cost + 1, paths)


def _slice(node: Slice, names: Names) -> Code:
    def bound(part: Node | None) -> One:
        return compile(Literal(node.at, None) if part is None else part, names).single

    return _map_one(compile(node.of, names), [bound(node.start), bound(node.end)], operators.part)


def _each(of: Code) -> Code:
    def many(value: Any, env: Env, meter: Meter) -> Iterator[Any]:
        for found in of.many(value, env, meter):
            for item in found.values() if is_object(found) else found:
                meter.spend(1)
                yield item

    return Code.of_many(many, of.cost + 1)


def _text(node: Text, names: Names) -> Code:
    parts = [part if isinstance(part, str) else compile(part, names).single for part in node.parts]

    def one(value: Any, env: Env, meter: Meter) -> Any:
        pieces = [
            part if isinstance(part, str) else to_text(part(value, env, meter), meter)
            for part in parts
        ]
        meter.spend(sum(map(len, pieces)) // 16)
        return "".join(pieces)

    return Code.of_one(one, len(parts) + 1)


def _list(node: ListOf, names: Names) -> Code:
    if node.body is None:
        return Code.of_one(lambda value, env, meter: [], 1)
    body = compile(node.body, names)
    if body.one is not None:
        get = body.one
        return Code.of_one(lambda value, env, meter: [get(value, env, meter)], body.cost + 1)
    many = body.many
    return Code.of_one(lambda value, env, meter: list(many(value, env, meter)), body.cost + 1)


def _object(node: ObjectOf, names: Names) -> Code:
    entries = [(name, compile(value, names)) for name, value, _ in node.entries]
    fields = [(name, code.single) for name, code in entries]

    def one(value: Any, env: Env, meter: Meter) -> Any:
        return {name: get(value, env, meter) for name, get in fields}

    return Code.of_one(one, 1 + sum(code.cost for _, code in entries))


def _pipe(left: Code, right: Code) -> Code:
    cost = left.cost + right.cost
    if left.one is not None:
        first = left.one
        if right.one is not None:
            second = right.one
            return Code.of_one(
                lambda value, env, meter: second(first(value, env, meter), env, meter), cost
            )
        rest = right.many
        return Code.of_many(
            lambda value, env, meter: rest(first(value, env, meter), env, meter), cost, right.count
        )

    def many(value: Any, env: Env, meter: Meter) -> Iterator[Any]:
        for found in left.many(value, env, meter):
            meter.spend(right.cost)
            yield from right.many(found, env, meter)

    def many_to_one(value: Any, env: Env, meter: Meter) -> Iterator[Any]:
        follow = right.single
        for found in left.many(value, env, meter):
            meter.spend(right.cost)
            yield follow(found, env, meter)

    count = left.count.times(right.count)
    return Code.of_many(many if right.one is None else many_to_one, cost, count)


def _comma(left: Code, right: Code) -> Code:
    def many(value: Any, env: Env, meter: Meter) -> Iterator[Any]:
        yield from left.many(value, env, meter)
        yield from right.many(value, env, meter)

    code = Code.of_many(many, left.cost + right.cost, left.count.plus(right.count))
    if left.paths is None or right.paths is None:
        return code
    return replace(code, paths=(*left.paths, *right.paths))


def _either(left: Code, right: Code) -> Code:
    cost = left.cost + right.cost + 1
    if left.one is not None and right.one is not None:
        first, second = left.one, right.one

        def one(value: Any, env: Env, meter: Meter) -> Any:
            found = first(value, env, meter)
            return second(value, env, meter) if found is None or found is False else found

        return Code.of_one(one, cost)

    def many(value: Any, env: Env, meter: Meter) -> Iterator[Any]:
        is_empty = True
        for found in left.many(value, env, meter):
            if found is not None and found is not False:
                is_empty = False
                yield found
        if is_empty:
            yield from right.many(value, env, meter)

    count = replace(left.count.either(right.count), least=min(1, right.count.least))
    return Code.of_many(many, cost, count)


def _logic(node: Logic, names: Names) -> Code:
    left, right = compile(node.left, names), compile(node.right, names)
    first, second = left.single, right.single
    stops = node.operator == "or"

    def one(value: Any, env: Env, meter: Meter) -> Any:
        found = first(value, env, meter)
        if (found is not None and found is not False) is stops:
            return stops
        found = second(value, env, meter)
        return found is not None and found is not False

    return Code.of_one(one, left.cost + right.cost + 1)


def _apply_two(apply: Callable[..., Any], left: Code, right: Code) -> Code:
    first, second = left.single, right.single

    def one(value: Any, env: Env, meter: Meter) -> Any:
        other = second(value, env, meter)
        return apply(meter, first(value, env, meter), other)

    return Code.of_one(one, left.cost + right.cost + 1)


def _if(node: If, names: Names) -> Code:
    condition, then, otherwise = (
        compile(part, names) for part in (node.condition, node.then, node.otherwise)
    )
    ask = condition.single
    cost = condition.cost + then.cost + otherwise.cost + 1
    if then.one is not None and otherwise.one is not None:
        first, second = then.one, otherwise.one

        def one(value: Any, env: Env, meter: Meter) -> Any:
            answer = ask(value, env, meter)
            chosen = second if answer is None or answer is False else first
            return chosen(value, env, meter)

        return Code.of_one(one, cost)

    def many(value: Any, env: Env, meter: Meter) -> Iterator[Any]:
        answer = ask(value, env, meter)
        chosen = otherwise if answer is None or answer is False else then
        return chosen.many(value, env, meter)

    return Code.of_many(many, cost, then.count.either(otherwise.count))


def _bind(bound: Code, body: Code) -> Code:
    cost = bound.cost + body.cost + 1
    if bound.one is not None:
        get = bound.one
        if body.one is not None:
            inner = body.one
            return Code.of_one(
                lambda value, env, meter: inner(value, (*env, get(value, env, meter)), meter), cost
            )
        rest = body.many
        return Code.of_many(
            lambda value, env, meter: rest(value, (*env, get(value, env, meter)), meter),
            cost,
            body.count,
        )

    def many(value: Any, env: Env, meter: Meter) -> Iterator[Any]:
        for found in bound.many(value, env, meter):
            meter.spend(body.cost + 1)
            yield from body.many(value, (*env, found), meter)

    return Code.of_many(many, cost, bound.count.times(body.count))
