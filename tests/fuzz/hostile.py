"""Values that nobody should send, and valid ones with something wrong in them. Pure: all chance comes from the Random
that is handed in, so that hypothesis can drive it (and shrink what it finds), and a plain seed can too.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

Json = Any

NOBODY = "00000000-0000-0000-0000-000000000000"

TEXTS: Sequence[str] = (
    "",
    " ",
    "a",
    "null",
    "NaN",
    "-Infinity",
    "1e999",
    "now",
    "infinity",
    "today",
    "2d",
    "99999999999d",
    "2026-13-45",
    "2026-01-01T00:00:00Z",
    "294277-01-01",
    NOBODY,
    "not-a-uuid",
    "t",
    "x" * 300,
    "y" * 9_000,
    "é" * 260,
    "\u202egnp.exe",
    "\x1b[31mred",
    "\n\r\t",
    "\U0001f4a3" * 40,
    "\ufffd\u200b\ufeff",
    "a'b",
    'a"b',
    "a\\b",
    "$.a[*]",
    "$.a ? (@ like_regex '(')",
    "%s %1$s %",
    "{}",
    "[1]",
    "t/wild@1",
    "a/b/c@d@e",
    "true",
    "-1",
    "99999999999999999999",
)
NUMBERS: Sequence[Json] = (
    0,
    -1,
    1,
    2,
    3,
    0.5,
    -0.0,
    1e-300,
    1e308,
    -1e308,
    32_768,
    2**31 - 1,
    2**31,
    -(2**31),
    2**63 - 1,
    2**63,
    -(2**63),
    10**30,
    -(10**40),
)


def deep() -> Json:
    """A value that stands sixty lists deep."""
    return json.loads("[" * 60 + "]" * 60)


def text(random: Random) -> str:
    """Some text."""
    return random.choice(TEXTS)


def scalar(random: Random) -> Json:
    """A JSON scalar."""
    return random.choice((None, True, False, text(random), random.choice(NUMBERS)))


def value(random: Random, depth: int = 2) -> Json:
    """Any JSON, and seldom what one expects."""
    kind = random.randrange(8)
    if depth == 0 or kind < 4:
        return scalar(random)
    if kind == 4:
        return random.choice(([], {}, [None], [[]], {"": None}, [{}], deep(), "x" * 20_000))
    if kind < 7:
        return [value(random, depth - 1) for _ in range(random.randrange(4))]
    return {text(random): value(random, depth - 1) for _ in range(random.randrange(4))}


def places(document: Json, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a document: the path of each part, the whole one first."""
    found = [at]
    if isinstance(document, dict):
        for key, part in document.items():
            found += places(part, (*at, key))
    elif isinstance(document, list):
        for key, part in enumerate(document):
            found += places(part, (*at, key))
    return found


def mutated(random: Random, document: Json, other: Callable[[Random], Json] = value) -> Json:
    """A copy of a document with one to three things wrong at any depth; `other` makes what is put there."""
    document = copy.deepcopy(document)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        path = random.choice(places(document))
        if not path:
            if random.randrange(6) == 0:
                document = random.choice((other(random), [document], {"x": document}))
            continue
        holder = document
        for key in path[:-1]:
            holder = holder[key]
        last = path[-1]
        match random.randrange(7):
            case 0:
                del holder[last]
            case 1:
                holder[last] = [holder[last]]
            case 2 if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[last]))
            case 2:
                holder[text(random)] = other(random)
            case 3:
                # Of the right type, and wrong all the same.
                holder[last] = like(random, holder[last])
            case _:
                holder[last] = other(random)
    return document


def like(random: Random, part: Json) -> Json:
    """Another value of the same JSON type."""
    match part:
        case bool():
            return not part
        case int() | float():
            return random.choice(NUMBERS)
        case str():
            return text(random)
        case list():
            return random.choice(([], [None], part * 2, list(reversed(part))))
        case dict():
            return {}
        case _:
            return scalar(random)


# Arguments of SQL functions, by type


def integer(random: Random, bits: int) -> int | None:
    """An integer that fits into the type."""
    most = 2 ** (bits - 1) - 1
    return random.choice((None, 0, 1, -1, 2, 10, 1000, most, -most - 1))


def moment(random: Random) -> str | None:
    """A timestamp with its zone, as text."""
    return random.choice(
        (
            None,
            "infinity",
            "-infinity",
            "4713-01-01 BC",
            "294276-12-31 UTC",
            "now",
            "epoch",
            "2026-01-01 00:00 UTC",
            "0001-01-01 UTC",
            "tomorrow",
            "yesterday",
        )
    )


def of_type(random: Random, kind: str) -> Any:
    """A value of a SQL type, as text or a Python value that can be cast to it."""
    if kind.endswith("[]"):
        if random.randrange(6) == 0:
            return None
        return [of_type(random, kind[:-2]) for _ in range(random.choice((0, 1, 1, 2, 5)))]
    match kind:
        case "text":
            return random.choice((None, text(random), text(random), text(random)))
        case "uuid":
            return random.choice((None, NOBODY, "ffffffff-ffff-ffff-ffff-ffffffffffff"))
        case "integer":
            return integer(random, 32)
        case "bigint":
            return integer(random, 64)
        case "boolean":
            return random.choice((None, True, False))
        case "double precision":
            return random.choice(
                (
                    None,
                    0.0,
                    -1.0,
                    0.5,
                    10.0,
                    1e308,
                    -1e308,
                    1e-308,
                    float("nan"),
                    float("inf"),
                    float("-inf"),
                )
            )
        case "timestamp with time zone":
            return moment(random)
        case "interval":
            return random.choice(
                (
                    None,
                    "0",
                    "-1 day",
                    "1 second",
                    "178000000 years",
                    "-178000000 years",
                    "1 mon",
                    "2562047788 hours",
                )
            )
        case "jsonb":
            return None if random.randrange(8) == 0 else json.dumps(value(random))
        case _:
            raise AssertionError(f"there are no hostile values of the type {kind} yet")


def argument(
    random: Random, name: str, kind: str, good: Mapping[str, Sequence[Any]], chance: float
) -> Any:
    """An argument of a function: with this chance one that is known to be good under its name, else a hostile one.

    Of a JSON argument the good ones are mutated.
    """
    known = good.get(name, ())
    if kind == "jsonb" and known:
        if random.random() < 0.1:
            return of_type(random, kind)
        document = random.choice(known)
        return json.dumps(document if random.random() < 0.1 else mutated(random, document))
    if known and random.random() < chance:
        return random.choice(known)
    return of_type(random, kind)
