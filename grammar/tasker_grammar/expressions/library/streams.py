"""Functions that choose among values, or give any number of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from tasker_grammar.expressions import arithmetic, numbers
from tasker_grammar.expressions.codes import Code, Env
from tasker_grammar.expressions.counts import AT_MOST_ONE, MANY, Count
from tasker_grammar.expressions.evaluation import Meter
from tasker_grammar.expressions.faults import Fault
from tasker_grammar.expressions.flow import BROADEST, KINDS
from tasker_grammar.expressions.kinds import is_true, kind_of
from tasker_grammar.expressions.library.interface import (
    Function,
    Site,
    at_most_one,
    expect,
    on_value,
    one,
)
from tasker_grammar.expressions.order import equal
from tasker_grammar.expressions.syntax import Literal
from tasker_grammar.type_algebra import join_all, members, only
from tasker_grammar.types import Anything, Boolean, Never, Number, String, Type

__all__ = ["FUNCTIONS"]


def _select_type(site: Site) -> Type:
    site.one(0)
    return site.narrowed(0, True)


def _select(arguments: Sequence[Code]) -> Code:
    (condition,) = arguments
    ask = condition.single

    def run(value: Any, env: Env, meter: Meter) -> Iterator[Any]:
        if is_true(ask(value, env, meter)):
            yield value

    return Code.of_many(run, condition.cost + 1, AT_MOST_ONE)


def _empty(arguments: Sequence[Code]) -> Code:
    return Code.of_many(lambda value, env, meter: iter(()), 1, Count(0, 0))


def _first(arguments: Sequence[Code]) -> Code:
    (values,) = arguments
    if values.one is not None:
        return values
    return Code.of_many(
        lambda value, env, meter: islice(values.many(value, env, meter), 1),
        values.cost + 1,
        AT_MOST_ONE,
    )


def _last(arguments: Sequence[Code]) -> Code:
    (values,) = arguments
    if values.one is not None:
        return values

    def run(value: Any, env: Env, meter: Meter) -> Iterator[Any]:
        found: list[Any] = []
        for each in values.many(value, env, meter):
            meter.spend(1)
            found = [each]
        yield from found

    return Code.of_many(run, values.cost + 1, AT_MOST_ONE)


def _limit_type(site: Site) -> Type:
    _literal_count(site)
    site.one(0)
    return site.many(1)


def _literal_count(site: Site) -> None:
    node = site.syntax(0)
    if not (isinstance(node, Literal) and type(node.value) is int and node.value >= 0):
        raise Fault(
            "X103", node.at, "how many is written as a number", "Write it as in limit(3; …)."
        )


def _limit(arguments: Sequence[Code]) -> Code:
    count, values = arguments
    most = count.single

    def run(value: Any, env: Env, meter: Meter) -> Iterator[Any]:
        return islice(values.many(value, env, meter), most(value, env, meter))

    return Code.of_many(run, values.cost + 1)


def _range_type(site: Site) -> Type:
    bounds = [site.one(index) for index in range(site.arity)]
    for bound in bounds:
        expect(site, Number, type=bound)
    start = bounds[0] if len(bounds) > 1 else Number(integer=True)
    steps = [start, *bounds[2:]]
    site.fail()
    return Number(all(m.integer for s in steps for m in members(s) if isinstance(m, Number)))


def _range(arguments: Sequence[Code]) -> Code:
    gets = [argument.single for argument in arguments]

    def run(value: Any, env: Env, meter: Meter) -> Iterator[Any]:
        bounds = [get(value, env, meter) for get in gets]
        start, end, step = _bounds(bounds)
        at = start
        while (at < end) if step > 0 else (step < 0 and at > end):
            meter.spend(1)
            yield at
            at = numbers.add(at, step)

    return Code.of_many(run, 1 + sum(argument.cost for argument in arguments))


def _bounds(given: list[Any]) -> tuple[Any, Any, Any]:
    match given:
        case [end]:
            return 0, end, 1
        case [start, end]:
            return start, end, 1
        case _:
            return given[0], given[1], given[2]


def _isempty(arguments: Sequence[Code]) -> Code:
    (values,) = arguments

    def run(value: Any, env: Env, meter: Meter) -> bool:
        return all(False for _ in values.many(value, env, meter))

    return Code.of_one(run, values.cost + 1)


def _in_type(site: Site) -> Type:
    return arithmetic.equate("IN", site.given, site.many(0), site.at)


def _in(arguments: Sequence[Code]) -> Code:
    (values,) = arguments

    def run(value: Any, env: Env, meter: Meter) -> bool:
        for each in values.many(value, env, meter):
            meter.spend(1)
            if equal(each, value, meter):
                return True
        return False

    return Code.of_one(run, values.cost + 1)


def _any_of_type(site: Site) -> Type:
    site.one(1, site.many(0))
    return Boolean()


def _quantifier(name: str, which: str, example: tuple[str, Any, Any]) -> Function:
    """`any` and `all`, of values: they stop at the first that decides."""
    stops = name == "any"

    def build(arguments: Sequence[Code]) -> Code:
        values, condition = arguments
        ask, cost = condition.single, condition.cost + 1

        def run(value: Any, env: Env, meter: Meter) -> bool:
            for each in values.many(value, env, meter):
                meter.spend(cost)
                if is_true(ask(each, env, meter)) is stops:
                    return stops
            return not stops

        return Code.of_one(run, values.cost + cost)

    return Function(
        name,
        ("values", "condition"),
        f"whether the condition holds for {which} of the values",
        example,
        _any_of_type,
        build,
        one,
        reads_input=False,
        arguments_see_input=True,
    )


def _boolean(site: Site) -> Type:
    site.many(0)
    return Boolean()


def _kind(name: str, summary: str, example: tuple[str, Any, Any], *kinds: str) -> Function:
    """A function that lets values of some kinds through."""
    types = tuple(KINDS[kind] for kind in kinds)

    def infer(site: Site) -> Type:
        return join_all(_let_through(member, types) for member in members(site.given))

    def build(arguments: Sequence[Code]) -> Code:
        def run(value: Any, env: Env, meter: Meter) -> Iterator[Any]:
            if kind_of(value) in kinds:
                yield value

        return Code.of_many(run, 1, AT_MOST_ONE)

    return Function(name, (), summary, example, infer, build, at_most_one)


def _let_through(member: Type, kinds: tuple[type[Type], ...]) -> Type:
    if not isinstance(member, Anything):
        return only(member, *kinds)
    return join_all(broadest for kind, broadest in BROADEST.items() if kind in kinds)


def _type_type(site: Site) -> Type:
    words = [word for word, kind in KINDS.items() if only(site.given, kind) != Never()]
    return String(frozenset(words))


FUNCTIONS: tuple[Function, ...] = (
    Function(
        "select",
        ("condition",),
        "the value, where the condition holds for it; else nothing",
        ("map(select(. > 1))", [1, 2, 3], [2, 3]),
        _select_type,
        _select,
        at_most_one,
        arguments_see_input=True,
    ),
    Function(
        "empty",
        (),
        "nothing",
        ("[1, empty, 2]", None, [1, 2]),
        lambda site: Never(),
        _empty,
        lambda counts: Count(0, 0),
        reads_input=False,
    ),
    Function(
        "first",
        ("values",),
        "the first of the values, or nothing",
        ("first(.[] | select(. > 1)) // 0", [1, 2, 3], 2),
        lambda site: site.many(0),
        _first,
        lambda counts: counts[0].up_to(1),
        reads_input=False,
        arguments_see_input=True,
    ),
    Function(
        "last",
        ("values",),
        "the last of the values, or nothing",
        ("last(.[] | select(. > 1)) // 0", [1, 2, 3], 3),
        lambda site: site.many(0),
        _last,
        lambda counts: counts[0].up_to(1),
        reads_input=False,
        arguments_see_input=True,
    ),
    Function(
        "limit",
        ("count", "values"),
        "the first few of the values",
        ("[limit(2; .[])]", [1, 2, 3], [1, 2]),
        _limit_type,
        _limit,
        lambda counts: Count(0, counts[1].most),
        reads_input=False,
        arguments_see_input=True,
    ),
    *(
        Function(
            "range",
            parameters,
            summary,
            example,
            _range_type,
            _range,
            lambda counts: MANY,
            reads_input=False,
            arguments_see_input=True,
        )
        for parameters, summary, example in (
            (("end",), "the integers from 0, below the end", ("[range(3)]", None, [0, 1, 2])),
            (
                ("start", "end"),
                "the numbers from start, below the end",
                ("[range(1; 3)]", None, [1, 2]),
            ),
            (
                ("start", "end", "step"),
                "the same, in steps; they may go down",
                ("[range(9; 0; -3)]", None, [9, 6, 3]),
            ),
        )
    ),
    Function(
        "isempty",
        ("values",),
        "whether there are none of the values",
        ("isempty(.[])", [], True),
        _boolean,
        _isempty,
        one,
        reads_input=False,
        arguments_see_input=True,
    ),
    Function(
        "IN",
        ("values",),
        "whether the value is one of the values",
        ('map(IN("a", "b"))', ["a", "c"], [True, False]),
        _in_type,
        _in,
        one,
        arguments_see_input=True,
    ),
    _quantifier("any", "some", ("any(.[]; . > 1)", [1, 2], True)),
    _quantifier("all", "every one", ("all(.[]; . > 1)", [1, 2], False)),
    on_value(
        "not",
        "true for false and null, and false for all else",
        ("map(not)", [True, None, 0], [False, True, False]),
        lambda site: Boolean(),
        lambda meter, value: not is_true(value),
    ),
    on_value(
        "type",
        "the word for what a value is",
        ("map(type)", [None, 1, "a"], ["null", "number", "string"]),
        _type_type,
        lambda meter, value: kind_of(value),
    ),
    _kind("nulls", "the value, if it is null", ("map(nulls)", [1, None], [None]), "null"),
    _kind(
        "booleans",
        "the value, if it is true or false",
        ("map(booleans)", [1, True], [True]),
        "boolean",
    ),
    _kind("numbers", "the value, if it is a number", ("map(numbers)", [1, "a"], [1]), "number"),
    _kind("strings", "the value, if it is a text", ("map(strings)", [1, "a"], ["a"]), "string"),
    _kind("arrays", "the value, if it is a list", ("map(arrays)", [1, [2]], [[2]]), "array"),
    _kind("objects", "the value, if it is an object", ("map(objects)", [1, {}], [{}]), "object"),
    _kind(
        "values",
        "the value, if it is not null",
        ("map(values)", [1, None], [1]),
        *(kind for kind in KINDS if kind != "null"),
    ),
    _kind(
        "scalars",
        "the value, if it is neither a list nor an object",
        ("map(scalars)", [1, []], [1]),
        *(kind for kind in KINDS if kind not in ("array", "object")),
    ),
)
