"""Example values, made from schemas: the same ones each time, and held against the schema before they are used. Pure.

A text with a pattern is made by rstr, which always chooses the least here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, cast

from tasker.errors import GenerateError
from tasker.generate.bundle import resolve
from tasker.generate.json_values import items_of, members_of
from tasker.generate.plan import Example
from tasker_grammar.contracts import Contract, Schema, SchemaError

__all__ = ["NoExample", "example_or", "make_example"]

_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "duration": "P1D",
    "email": "ada@example.org",
    "hostname": "example.org",
    "idn-email": "ada@example.org",
    "idn-hostname": "example.org",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "iri": "https://example.org/",
    "json-pointer": "/a",
    "time": "12:00:00Z",
    "uri": "https://example.org/",
    "uri-reference": "/a",
    "uuid": "00000000-0000-4000-8000-000000000001",
}
_DEEPEST = 40
_MOST = 1000
_LARGEST = 20_000  # parts of one example


class NoExample(Exception):
    """No value was found that fits; the message says where, and what is asked for there."""


def make_example(wanted: Example) -> Any:
    """A value that fits, as parsed JSON; null where nothing is asked for. Raises NoExample."""
    if wanted.schema is None:
        return _whole(None, wanted)
    root = wanted.schema
    part = _resolve(root, wanted.at)
    contract = _contract(root, part)
    why: NoExample | None = None
    for whole in (True, False):
        try:
            value = _Maker(root, whole=whole).make(part, "$", 0, 0)
        except NoExample as error:
            why = why or error
            continue
        findings = contract.check(value) if contract else []
        if not findings:
            return _whole(value, wanted)
        why = NoExample("; ".join(map(str, findings[:3])))
    raise why or NoExample("$")


def example_or(wanted: Example, otherwise: Any) -> Any:
    """A value that fits; `otherwise` where nothing is asked for, null where no value was found."""
    try:
        nothing = wanted.schema is None and wanted.whole == "one"
        return otherwise if nothing else make_example(wanted)
    except NoExample:
        return None


def _whole(value: Any, wanted: Example) -> Any:
    match wanted.whole:
        case "one":
            return value
        case "list":
            return [value]
        case "results":
            return {"results": [value], "failures": []}


class _Maker:
    """Makes values by one schema, to which its references lead; `whole`: with the fields that may be left out."""

    def __init__(self, root: Schema, *, whole: bool) -> None:
        self.root = root
        self.whole = whole
        self.open: list[str] = []
        self.left = _LARGEST

    def make(self, schema: Any, path: str, number: int, depth: int) -> Any:
        """A value for the place `path`; `number` tells those of one list apart."""
        if schema is True or schema == {}:  # anything
            return f"any {number + 1}" if number else "any"
        told = members_of(schema)
        if not told or depth > _DEEPEST:
            raise NoExample(f"{path}: nothing fits here")
        self.spend(path)
        for value in self.given(told, number):
            return value
        if "$ref" in told:
            return self.follow(told, path, number, depth)
        if "allOf" in told:
            return self.make(self.merge(told), path, number, depth + 1)
        for word in ("anyOf", "oneOf"):
            if word in told:
                return self.choose(told, word, path, number, depth)
        return self.typed(told, path, number, depth)

    def spend(self, path: str) -> None:
        """Count a part of the example. Raises NoExample when there are too many."""
        self.left -= 1
        if self.left < 0:
            raise NoExample(f"{path}: an example of it would be too large")

    def given(self, told: Mapping[str, Any], number: int) -> Sequence[Any]:
        """What the schema itself says may stand there, the one to be taken first."""
        if "const" in told:
            return [told["const"]]
        for word in ("enum", "examples"):
            values = told.get(word)
            if isinstance(values, list) and values:
                fitting = [value for value in cast("list[Any]", values) if self.fits(told, value)]
                if fitting:
                    return [fitting[number % len(fitting)]]
        if "default" in told and number == 0 and self.fits(told, told["default"]):
            return [told["default"]]
        return []

    def fits(self, told: Any, value: Any) -> bool:
        contract = _contract(self.root, told)
        return contract is None or not contract.check(value)

    def follow(self, told: Mapping[str, Any], path: str, number: int, depth: int) -> Any:
        reference = told["$ref"]
        if reference in self.open:
            raise NoExample(f"{path}: it refers to itself")
        target = _resolve(self.root, reference)
        beside = {key: value for key, value in told.items() if key != "$ref"}
        self.open.append(reference)
        try:
            merged = self.merge({"allOf": [target, beside]}) if beside else target
            return self.make(merged, path, number, depth + 1)
        finally:
            self.open.pop()

    def merge(
        self, told: Mapping[str, Any], passed: frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        """A schema that says at once what its parts say, as far as that is plain."""
        made: dict[str, Any] = {key: value for key, value in told.items() if key != "allOf"}
        for part in items_of(told["allOf"]):
            self.spend("$")
            known, here = members_of(part), passed
            if set(known) == {"$ref"} and known["$ref"] not in passed:
                here = passed | {known["$ref"]}
                known = members_of(_resolve(self.root, known["$ref"]))
            known = self.merge(known, here) if "allOf" in known else known
            for key, value in known.items():
                if key == "properties":
                    made[key] = {**made.get(key, {}), **value}
                elif key == "required":
                    made[key] = list(dict.fromkeys([*made.get(key, []), *value]))
                else:
                    made.setdefault(key, value)
        return made

    def choose(self, told: Mapping[str, Any], word: str, path: str, number: int, depth: int) -> Any:
        rest = {key: value for key, value in told.items() if key != word}
        why = NoExample(f"{path}: nothing fits here")
        for part in told[word]:
            merged = self.merge({"allOf": [part, rest]}) if rest else part
            try:
                value = self.make(merged, path, number, depth + 1)
            except NoExample as error:
                why = error
                continue
            if self.fits(told, value):
                return value
        raise why

    def typed(self, told: Mapping[str, Any], path: str, number: int, depth: int) -> Any:
        kinds: Any = told.get(
            "type", "object" if "properties" in told else "array" if "items" in told else "string"
        )
        kind: Any = items_of(kinds)[0] if isinstance(kinds, list) else kinds
        match kind:
            case "null":
                return None
            case "boolean":
                return number % 2 == 0
            case "integer" | "number":
                return _number(told, number, whole=kind == "integer")
            case "string":
                return _text(told, path, number)
            case "array":
                return self.items(told, path, depth)
            case _:
                return self.fields(told, path, number, depth)

    def items(self, told: Mapping[str, Any], path: str, depth: int) -> list[Any]:
        first = cast("list[Any]", told.get("prefixItems", []))
        rest: Any = told.get("items", True)
        least, most = told.get("minItems", 0), told.get("maxItems", _MOST)
        if least > _MOST:
            raise NoExample(f"{path}: it needs {least} items")
        count = len(first) if first else 1
        count = min(max(count, least), most)
        made: list[Any] = []
        for index in range(count):
            part = first[index] if index < len(first) else rest
            try:
                made.append(self.make(part, f"{path}[{index}]", index, depth + 1))
            except NoExample:
                if index < least:
                    raise
                break
        return made

    def fields(self, told: Mapping[str, Any], path: str, number: int, depth: int) -> dict[str, Any]:
        known: Mapping[str, Any] = told.get("properties", {})
        required: Sequence[str] = told.get("required", ())
        other: Any = told.get("additionalProperties", True)
        names = [*known, *(name for name in required if name not in known)]
        made: dict[str, Any] = {}
        for name in names:
            if name not in required and not self.whole:
                continue
            try:
                made[name] = self.make(known.get(name, other), f"{path}.{name}", number, depth + 1)
            except NoExample:
                if name in required:
                    raise
        if not known and isinstance(other, Mapping) and self.whole:
            try:
                made["key"] = self.make(other, f"{path}.key", number, depth + 1)
            except NoExample:
                made.pop("key", None)
        return made


def _number(told: Mapping[str, Any], number: int, *, whole: bool) -> float | int:
    step = told.get("multipleOf", 1)
    low = told.get("minimum")
    above = told.get("exclusiveMinimum")
    if above is not None and (low is None or above >= low):
        low = above + (step if whole or isinstance(above, int) else abs(above) or 1)
    high = told.get("maximum", told.get("exclusiveMaximum"))
    if low is None:
        low = 1 if high is None or high > 1 else high - step if "maximum" not in told else high
    value = -(-low // step) * step if whole or "multipleOf" in told else low
    value += number * step
    if high is not None and value >= high and "exclusiveMaximum" in told and not whole:
        value = (low + high) / 2
    return int(value) if whole else value


def _text(told: Mapping[str, Any], path: str, number: int) -> str:
    if "pattern" in told:
        return _by_pattern(told["pattern"], path, number)
    given = _FORMATS.get(told.get("format", ""))
    if given is not None:
        return given[:-1] + str(number + 1) if told["format"] == "uuid" and number < 9 else given
    text = path.rpartition(".")[2].partition("[")[0].lstrip("$") or "text"
    text = f"{text} {number + 1}" if number else text
    least, most = told.get("minLength", 0), told.get("maxLength", _MOST)
    if least > 100 * _MOST:
        raise NoExample(f"{path}: it needs {least} characters")
    return text.ljust(least, "x")[: max(most, 0)]


def _by_pattern(pattern: str, path: str, number: int) -> str:
    try:
        from rstr import Rstr
    except ImportError:
        raise GenerateError(
            "examples of texts with a pattern need rstr: pip install 'tasker-pg[generate]'"
        ) from None
    try:
        return Rstr(_Least(number)).xeger(pattern)
    except (
        Exception
    ) as error:  # whatever a pattern of another language, or a hostile one, does to it
        raise NoExample(f"{path}: a text like {pattern[:200]!r}") from error


class _Least(Random):
    """Chooses the first, and the fewest."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self._number = number

    def choice(self, seq: Any) -> Any:
        """The first, or the one of the number: letters and digits before others, which come in no order of their
        own.
        """
        ordered = sorted(seq, key=_plainness) if isinstance(seq[0], str) else seq
        return ordered[self._number % len(ordered)]

    def randint(self, a: int, b: int) -> int:
        """The least; at least one, where that may be."""
        return min(max(a, 1), b) if b <= 100 else a


def _plainness(char: str) -> tuple[bool, bool, str]:
    return (not char.isalpha(), not char.isalnum(), char)


def _contract(root: Schema, part: Any) -> Contract | None:
    """What a part of a schema says; None where its references cannot be kept."""
    if part is root or isinstance(part, bool):
        schema: Any = part
    else:
        kept = ("$defs", "definitions")
        beside = {word: root[word] for word in kept if isinstance(root, Mapping) and word in root}
        schema = {**part, **beside}
    try:
        return Contract(schema)
    except SchemaError:
        return None


def _resolve(root: Any, reference: str) -> Any:
    try:
        return resolve(root, reference, "the schema")
    except GenerateError as error:
        raise NoExample(str(error)) from None
