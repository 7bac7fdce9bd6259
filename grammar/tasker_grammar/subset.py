"""The part of JSON Schema on which it is decided whether one schema fits another. Pure.

What stands outside of it is left undecided, and so is what would take long: how long it takes to
compare two schemas is not told by their length, so each is given a cost first. A survey reads a
schema once, and only what its references lead to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from tasker_grammar.leaves import leaves
from tasker_grammar.misfit import ANY_ELEMENT, ANY_FIELD
from tasker_grammar.references import Part, follow, resolve

__all__ = ["DIALECT", "MAX_COST", "OUTSIDE", "Survey", "survey"]

Path = tuple[str | int, ...]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

OUTSIDE = frozenset(
    {
        "not", "if", "contains", "patternProperties", "dependentRequired", "dependentSchemas",
        "dependencies", "unevaluatedItems", "unevaluatedProperties", "additionalItems", "$id",
        "$dynamicRef", "$recursiveRef",
    }
)  # fmt: skip
"""Keywords whose effect on fitting is not decided."""

MAX_COST = 100_000
"""About what can be compared in half a second."""

_MAX_DEPTH = 64
_UNIONS = ("anyOf", "oneOf")
_TYPES = frozenset({"null", "boolean", "number", "string", "array", "object"})


@dataclass(frozen=True, slots=True)
class Survey:
    """What a schema is made of, as far as comparing it with another is concerned."""

    outside: tuple[Path, str] | None
    """The first thing that makes it undecided, as a clause, and the path to what it is said of."""
    cost: int
    """How much there is to compare; above `MAX_COST` it is too much."""
    has_formats: bool
    refs: frozenset[str]
    """All references that it holds, and those that they lead to hold."""


def survey(part: Part, root: Part) -> Survey:
    """Read a part of the schema `root`."""
    reader = _Reader(root)
    cost = reader.cost_of(part, (), 0)
    if reader.outside is None and cost > MAX_COST:
        reader.outside = ((), "there is too much in it to compare")
    return Survey(reader.outside, cost, reader.has_formats, frozenset(reader.costs))


@dataclass(slots=True)
class _Reader:
    root: Part
    outside: tuple[Path, str] | None = None
    has_formats: bool = False
    costs: dict[str, int] = field(default_factory=dict[str, int])
    """What the targets of references cost; while one is being read, nothing."""

    def cost_of(self, part: Part, path: Path, depth: int) -> int:
        if isinstance(part, bool):
            return 1
        if depth > _MAX_DEPTH:
            self.leave(path[:3], f"it is nested more than {_MAX_DEPTH} deep")
        if self.outside is not None:
            return 1
        self.look_at(part, path)
        if self.outside is not None:
            return 1
        inner = sum(self.cost_of(p, (*path, *to), depth + 1) for to, p in _parts(part))
        return min(
            1 + _cost_of_values(part) + inner + self.cost_of_choices(part, path, depth),
            MAX_COST + 1,
        )

    def look_at(self, part: Mapping[str, Any], path: Path) -> None:
        for keyword in OUTSIDE.intersection(part):
            self.leave(path, f"what {keyword} says is not decided")
        dialect = part.get("$schema", DIALECT)
        if str(dialect).rstrip("#") != DIALECT:
            self.leave(path, f"it is not of the dialect {DIALECT}")
        ref = part.get("$ref", "#/")
        if ref != "#" and not str(ref).startswith("#/"):
            self.leave(path, f"the reference {ref} leads to no place by its path")
        self.has_formats = self.has_formats or "format" in part

    def leave(self, path: Path, why: str) -> None:
        self.outside = self.outside or (path, why)

    def cost_of_choices(self, part: Mapping[str, Any], path: Path, depth: int) -> int:
        """What `anyOf`, `oneOf`, `allOf` and `$ref` cost, each branch of which is held against many others."""
        branches = [branch for key in (*_UNIONS, "allOf") for branch in part.get(key, ())]
        inner = sum(self.cost_of(branch, path, depth + 1) for branch in branches)
        if "$ref" in part:
            inner += self.cost_of_target(str(part["$ref"]), path, depth)
        ways = self.ways(part, 0)
        if ways == 1:
            return inner
        lists = [part[key] for key in _UNIONS if key in part]
        if len(lists) == 1 and len(lists[0]) == ways and self.are_apart(lists[0]):
            return ways * inner // 4 if "anyOf" in part else ways * ways * inner // 10
        return int(1.5 ** min(ways, 40)) * inner

    def cost_of_target(self, ref: str, path: Path, depth: int) -> int:
        if ref not in self.costs:
            self.costs[ref] = 0
            self.costs[ref] = self.cost_of(follow(ref, self.root), path, depth + 1)
        return self.costs[ref]

    def ways(self, part: Part, depth: int) -> int:
        """In how many ways a value can satisfy the part, by the branches that it has."""
        if isinstance(part, bool) or depth > 8:
            return 1
        ways = 1
        for key in _UNIONS:
            ways *= len(part.get(key, ())) or 1
        for conjunct in part.get("allOf", ()):
            ways = min(ways * self.ways(conjunct, depth + 1), MAX_COST)
        if "$ref" in part and (ways > 1 or depth > 0):
            ways *= self.ways(follow(str(part["$ref"]), self.root), depth + 1)
        return min(ways, MAX_COST)

    def are_apart(self, branches: Sequence[Part]) -> bool:
        """Whether a value shows at once which branch is its own: by its type, or by a constant field."""
        seen: set[str] = set()
        tagged = self.find_tag(branches)
        for branch in branches:
            marks = self.marks_of(resolve(branch, self.root), tagged)
            if not marks or not seen.isdisjoint(marks):
                return False
            seen |= marks
        return True

    def find_tag(self, branches: Sequence[Part]) -> str | None:
        """A field that every object among the branches has, as a constant."""
        objects = [b for b in (resolve(b, self.root) for b in branches) if _is_object(b)]
        fields = [
            {name for name in each.get("required", ()) if _constants(_field(each, name))}
            for each in objects
            if not isinstance(each, bool)
        ]
        common = set[str]().union(*fields[:1]).intersection(*fields)
        return min(common, default=None)

    def marks_of(self, part: Part, tag: str | None) -> set[str]:
        if isinstance(part, bool):
            return set()
        constants = _constants(part)
        if constants:
            return constants
        if _is_object(part) and tag is not None:
            return {f"{tag} {value}" for value in _constants(_field(part, tag))}
        declared = part.get("type", ())
        types: set[str] = {declared} if isinstance(declared, str) else set(declared)
        return {"number" if name == "integer" else name for name in types}


def _parts(part: Mapping[str, Any]) -> Iterator[tuple[Path, Part]]:
    """The parts of an object or array, each with the path to it."""
    for name, each in part.get("properties", {}).items():
        yield (name,), each
    for index, each in enumerate(part.get("prefixItems", ())):
        yield (index,), each
    for keyword, step in (
        ("items", ANY_ELEMENT),
        ("additionalProperties", ANY_FIELD),
        ("propertyNames", ANY_FIELD),
    ):
        if keyword in part:
            yield (step,), part[keyword]


def _cost_of_values(part: Mapping[str, Any]) -> int:
    """Numbers cost more than their count: they are held against ranges one by one."""
    values: list[Any] = part.get("enum", [])
    numbers = sum(isinstance(value, int | float) for value in values)
    nested = sum(1 for _ in leaves([v for v in values if isinstance(v, list | dict)]))
    return len(values) // 5 + nested + numbers * numbers // 10 + len(part.get("pattern", "")) // 2


def _constants(part: Part) -> set[str]:
    if isinstance(part, bool):
        return set()
    values = [part["const"]] if "const" in part else part.get("enum", [])
    return {f"{value!r}" for value in cast("list[Any]", values)}


def _is_object(part: Part) -> bool:
    return not isinstance(part, bool) and (part.get("type") == "object" or "properties" in part)


def _field(part: Part, name: str) -> Part:
    return False if isinstance(part, bool) else part.get("properties", {}).get(name, True)
