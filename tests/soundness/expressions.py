"""Expressions made by chance that are meant to give a certain shape. Pure.

They are led by what can be seen and what is wanted, so that most of them are sound; with some noise, so that not all
are. Whether one is sound is for the checker to say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.soundness.shapes import Shape, covers, make_shape, satisfy, types_of

_WORD = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_NOT_WRITTEN = re.compile(r"\de-?\d|\d{16}")
_KEYWORDS = frozenset({"if", "then", "else", "end", "and", "or", "not", "as", "def", "reduce"})


@dataclass(frozen=True)
class Known:
    """Something that can be read: how, what it is, and whether it is always there."""

    text: str
    shape: Shape
    sure: bool = True


def known(text: str, shape: Shape, depth: int = 3, sure: bool = True) -> Iterator[Known]:
    """What can be read at a place, and below it."""
    yield Known(text, shape, sure)
    if depth == 0 or shape is True:
        return
    nullable = "null" in types_of(shape)
    for name, part in shape.get("properties", {}).items():
        there = sure and not nullable and name in shape.get("required", ())
        yield from known(text + _field(text, name), part, depth - 1, there)


def _field(text: str, name: str) -> str:
    dot = "" if text == "." else "."
    return f"{dot}{name}" if _WORD.fullmatch(name) and name not in _KEYWORDS else f'["{name}"]'


class Writer:
    """Writes expressions. `noise`: how often it writes something that is not what is wanted."""

    def __init__(self, chance: Random, noise: float = 0.0) -> None:
        self.chance = chance
        self.noise = noise

    def write(self, wanted: Shape, seen: Sequence[Known], depth: int = 3) -> str:
        """An expression that should give what is wanted, from what is seen."""
        if self.chance.random() < self.noise:
            wanted = make_shape(self.chance, 1)
        if wanted is True:
            wanted = make_shape(self.chance, 1)
        moved = self._moved(wanted, seen)
        if moved and (depth <= 0 or self.chance.random() < 0.45):
            return self.chance.choice(moved)
        if depth > 0 and self.chance.random() < 0.1:
            parts = [self.write(wanted, seen, depth - 1) for _ in range(2)]
            return f"(if {self.condition(seen, depth - 1)} then {parts[0]} else {parts[1]} end)"
        made = self._made(wanted, seen, depth)
        return made if made is not None else self.chance.choice([*moved, self.literal(wanted)])

    def literal(self, wanted: Shape) -> str:
        """A value of this shape, as it is written: numbers are exact, and have no exponents."""
        while True:
            text = json.dumps(satisfy(self.chance, wanted), ensure_ascii=False)
            if not _NOT_WRITTEN.search(text):
                return text

    def condition(self, seen: Sequence[Known], depth: int = 2) -> str:
        """Something that is true or false."""
        return self.write({"type": "boolean"}, seen, depth)

    def _moved(self, wanted: Shape, seen: Sequence[Known]) -> list[str]:
        found: list[str] = []
        for each in seen:
            if not covers(each.shape, wanted):
                continue
            if each.sure or self.chance.random() < self.noise / 2:
                found.append(each.text)
            else:
                found.append(f"({each.text} // {self.literal(wanted)})")
        return found

    def _made(self, wanted: Shape, seen: Sequence[Known], depth: int) -> str | None:
        if "anyOf" in wanted:
            return self.write(self.chance.choice(wanted["anyOf"]), seen, depth)
        if not types_of(wanted):
            return None
        kind = self.chance.choice(types_of(wanted))
        below = depth - 1
        free = not wanted.keys() - {"type"}
        match kind:
            case "object":
                return self._object(wanted, seen, below)
            case "array":
                return self._array(wanted, seen, below)
            case "integer" | "number" if free and depth > 0:
                return self._number(kind, seen, below)
            case "string" if free and depth > 0:
                return self._string(seen, below)
            case "boolean" if depth > 0:
                return self._boolean(seen, below)
            case _:
                return None

    def _object(self, wanted: Shape, seen: Sequence[Known], depth: int) -> str:
        must = wanted.get("required", ())
        fields = [
            f"{json.dumps(name, ensure_ascii=False)}: {self.write(part, seen, depth)}"
            for name, part in wanted.get("properties", {}).items()
            if name in must or self.chance.random() < 0.6
        ]
        if self.chance.random() < self.noise:
            fields = fields[1:]
        return "{" + ", ".join(fields) + "}"

    def _array(self, wanted: Shape, seen: Sequence[Known], depth: int) -> str | None:
        items = wanted.get("items", True)
        lists = [each for each in seen if "array" in types_of(each.shape)]
        free = not wanted.keys() & {"minItems", "maxItems"}
        same = [each for each in lists if covers(each.shape, wanted) and each.sure]
        if same and self.chance.random() < 0.5:
            source = self.chance.choice(same).text
            keep = (
                ["sort", "reverse", "unique"] if "minItems" not in wanted else ["sort", "reverse"]
            )
            if "minItems" not in wanted:
                item = list(known(".", source_items(same, source)))
                keep += [f"map(select({self.condition(item, 1)}))", ".[0:2]"]
            return f"({source} | {self.chance.choice(keep)})"
        fitting = [
            each
            for each in lists
            if free or (each.shape.get("maxItems", 99) <= wanted.get("maxItems", 99)
            and each.shape.get("minItems", 0) >= wanted.get("minItems", 0))
        ]  # fmt: skip
        if fitting and depth >= 0 and self.chance.random() < 0.8:
            source = self.chance.choice(fitting)
            inner = [*known(".", source.shape.get("items", True))]
            text = source.text if source.sure else f"({source.text} // [])"
            if "null" in types_of(source.shape) and source.sure:
                text = f"({text} // [])"
            return f"({text} | map({self.write(items, inner, depth)}))"
        size = self.chance.randint(
            wanted.get("minItems", 0), min(wanted.get("maxItems", 2), 2) or 1
        )
        return "[" + ", ".join(self.write(items, seen, depth) for _ in range(size)) + "]"

    def _number(self, kind: str, seen: Sequence[Known], depth: int) -> str | None:
        one, two = (self.write({"type": kind}, seen, depth) for _ in range(2))
        whole = [f"({one} + {two})", f"({one} - {two})", f"({one} * {two})", f"({one} | abs)"]
        whole += [
            f"({each.text} | length)" for each in seen if each.sure and _measurable(each.shape)
        ][:2]
        sums = [
            f"({each.text} | add // 0)"
            for each in seen
            if each.sure
            and "array" in types_of(each.shape)
            and covers(each.shape.get("items", True), {"type": kind})
        ]
        if kind == "integer":
            whole += [
                f"({one} % {two})",
                f"({self.write({'type': 'number'}, seen, depth)} | floor)",
            ]
        else:
            whole += [f"({one} / {two})", f"(({one} * 100 | round) / 100)"]
        return self.chance.choice([*whole, *sums])

    def _string(self, seen: Sequence[Known], depth: int) -> str | None:
        one, two = (self.write({"type": "string"}, seen, depth) for _ in range(2))
        whole = self.write({"type": "integer"}, seen, depth)
        return self.chance.choice(
            (
                f"({one} + {two})",
                f'"{self.chance.choice(("n", "é "))}\\({whole})"',
                f"({one} | ascii_downcase)",
                f"({whole} | tostring)",
                f"({one} | .[0:2])",
                f'({one} | split(",") | join("-"))',
                f'({one} | ltrimstr("a"))',
            )
        )

    def _boolean(self, seen: Sequence[Known], depth: int) -> str | None:
        kind = self.chance.choice(("integer", "string"))
        one, two = (self.write({"type": kind}, seen, min(depth, 1)) for _ in range(2))
        sign = self.chance.choice(("==", "!=", "<", ">="))
        choices = [f"({one} {sign} {two})"] * 2
        if depth > 0:
            both = [self.condition(seen, depth - 1) for _ in range(2)]
            choices += [
                f"({both[0]} and {both[1]})",
                f"({both[0]} or {both[1]})",
                f"({both[0]} | not)",
            ]
        lists = [each for each in seen if each.sure and types_of(each.shape) == ("array",)]
        if lists:
            source = self.chance.choice(lists)
            inner = list(known(".", source.shape.get("items", True)))
            choices.append(
                f"({source.text} | {self.chance.choice(('any', 'all'))}({self.condition(inner, 0)}))"
            )
        return self.chance.choice(choices)


def source_items(lists: Sequence[Known], text: str) -> Shape:
    """What the items of one of these lists are."""
    return next(each.shape.get("items", True) for each in lists if each.text == text)


def _measurable(shape: Any) -> bool:
    return types_of(shape) in (("string",), ("array",), ("object",))
