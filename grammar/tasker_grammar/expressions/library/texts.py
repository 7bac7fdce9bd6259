"""Functions on texts, and to texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tasker_grammar.expressions import operators
from tasker_grammar.expressions.evaluation import DataError, Meter
from tasker_grammar.expressions.library.interface import (
    Function,
    Site,
    expect,
    items_of,
    on_value,
    on_value_and,
)
from tasker_grammar.expressions.numerals import LIMIT
from tasker_grammar.expressions.writing import to_json, to_text
from tasker_grammar.type_algebra import is_all, may_be
from tasker_grammar.types import Array, Boolean, Null, Number, String, Type

__all__ = ["FUNCTIONS"]

_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TO_LOWER = str.maketrans(_UPPER, _UPPER.lower())
_TO_UPPER = str.maketrans(_UPPER.lower(), _UPPER)
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""What jq takes for white space."""

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)


def _text(site: Site) -> Type:
    expect(site, String)
    return String()


def _asked_of_text(site: Site) -> Type:
    expect(site, String)
    expect(site, String, type=site.one(0))
    return Boolean()


def _text_of_text(site: Site) -> Type:
    expect(site, String)
    expect(site, String, type=site.one(0))
    return String()


def _split_type(site: Site) -> Type:
    _text_of_text(site)
    return Array(String())


def _join_type(site: Site) -> Type:
    items = items_of(site)
    expect(site, String, type=site.one(0))
    expect(site, String, Number, Boolean, Null, type=items)
    if may_be(items, Number):
        site.fail()
    return String()


def _join(meter: Meter, items: list[Any], by: str) -> str:
    pieces = ["" if item is None else to_text(item, meter) for item in items]
    meter.spend((sum(map(len, pieces)) + len(by) * len(pieces)) // 16 + len(pieces))
    return by.join(pieces)


def _tostring_type(site: Site) -> Type:
    if is_all(site.given, String):
        return site.given
    site.fail()
    return String()


def _tojson_type(site: Site) -> Type:
    site.fail()
    return String()


def _tonumber_type(site: Site) -> Type:
    given = expect(site, String, Number)
    if is_all(given, Number):
        return given
    site.fail()
    return Number()


def _tonumber(meter: Meter, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    meter.spend(len(value) // 16)
    if not _NUMBER.fullmatch(value):
        raise DataError("DATA_ERROR", "a text that is no number cannot be made one")
    number = float(value)
    if not -LIMIT < number < LIMIT:
        raise DataError("DATA_ERROR", "the number in a text is not below 2^53")
    return int(value) if value.lstrip("-").isdecimal() else number


def _metered(apply: Callable[[str], str]) -> Callable[[Meter, str], str]:
    def run(meter: Meter, value: str) -> str:
        meter.spend(len(value) // 16)
        return apply(value)

    return run


def _metered_and(apply: Callable[[str, str], Any]) -> Callable[[Meter, str, str], Any]:
    def run(meter: Meter, value: str, argument: str) -> Any:
        meter.spend(len(value) // 16)
        return apply(value, argument)

    return run


FUNCTIONS: tuple[Function, ...] = (
    on_value(
        "ascii_downcase",
        "the text, with A to Z as a to z",
        ("ascii_downcase", "ÀB", "Àb"),
        _text,
        _metered(lambda value: value.translate(_TO_LOWER)),
    ),
    on_value(
        "ascii_upcase",
        "the text, with a to z as A to Z",
        ("ascii_upcase", "àb", "àB"),
        _text,
        _metered(lambda value: value.translate(_TO_UPPER)),
    ),
    on_value_and(
        "text",
        "startswith",
        "whether the text begins with another",
        ('startswith("ab")', "abc", True),
        _asked_of_text,
        _metered_and(str.startswith),
    ),
    on_value_and(
        "text",
        "endswith",
        "whether the text ends with another",
        ('endswith("bc")', "abc", True),
        _asked_of_text,
        _metered_and(str.endswith),
    ),
    on_value_and(
        "text",
        "ltrimstr",
        "the text without another at its beginning",
        ('ltrimstr("ab")', "abc", "c"),
        _text_of_text,
        _metered_and(str.removeprefix),
    ),
    on_value_and(
        "text",
        "rtrimstr",
        "the text without another at its end",
        ('rtrimstr("bc")', "abc", "a"),
        _text_of_text,
        _metered_and(str.removesuffix),
    ),
    on_value_and(
        "text",
        "trimstr",
        "the text without another at its beginning and its end",
        ('trimstr("a")', "aba", "b"),
        _text_of_text,
        _metered_and(lambda value, part: value.removeprefix(part).removesuffix(part)),
    ),
    on_value_and(
        "text",
        "contains",
        "whether another text stands in the text",
        ('contains("b")', "abc", True),
        _asked_of_text,
        _metered_and(lambda value, part: part in value),
    ),
    on_value(
        "trim",
        "the text without white space around it",
        ("trim", " a b\n", "a b"),
        _text,
        _metered(lambda value: value.strip(_SPACE)),
    ),
    on_value(
        "ltrim",
        "the text without white space at its beginning",
        ("ltrim", " a ", "a "),
        _text,
        _metered(lambda value: value.lstrip(_SPACE)),
    ),
    on_value(
        "rtrim",
        "the text without white space at its end",
        ("rtrim", " a ", " a"),
        _text,
        _metered(lambda value: value.rstrip(_SPACE)),
    ),
    on_value_and(
        "text",
        "split",
        "the pieces of the text between those where another stands; its characters, for an empty one",
        ('split(", ")', "a, b", ["a", "b"]),
        _split_type,
        operators.split,
    ),
    on_value_and(
        "text",
        "join",
        "one text of a list, with another between; null is empty",
        ('join("-")', ["a", 1, None, True], "a-1--true"),
        _join_type,
        _join,
    ),
    on_value(
        "tostring",
        "a text as it is, anything else as JSON",
        ("tostring", [1, "a"], '[1,"a"]'),
        _tostring_type,
        lambda meter, value: to_text(value, meter),
    ),
    on_value(
        "tojson",
        "JSON in a text",
        ("tojson", "a", '"a"'),
        _tojson_type,
        lambda meter, value: to_json(value, meter),
    ),
    on_value(
        "tonumber",
        "the number that a text is; DATA_ERROR where it is none",
        ("tonumber", "1.5", 1.5),
        _tonumber_type,
        _tonumber,
    ),
)
