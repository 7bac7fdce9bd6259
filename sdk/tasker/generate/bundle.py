"""Schemas, gathered into definitions that every generator can write. Pure.

Each object with named fields becomes a definition with a name of its own, wherever it stood, so that no generator has a
name to choose and all languages have the same ones. A bundled schema refers to definitions and to nothing else. What
types cannot say (`if`, `not`, `contains`, …) is left out: values are held against the whole schema when a step runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from tasker.errors import GenerateError
from tasker.generate.json_values import items_of, members_of
from tasker.generate.naming import Names, pascal, read_words, seen, words
from tasker.generate.types import REFERENCE, Anything, Named, Type, type_of
from tasker_grammar.contracts import Schema

__all__ = ["Bundle", "resolve"]

# What the languages, and what is written beside the definitions, call so.
_TAKEN = read_words("""
    AfterValidator Annotated Any AnyUrl Array ArrayBuffer AwareDatetime BaseModel BigInt Boolean Class Comparable
    Complex ConfigDict Data Date DateTime Decimal Dir ENV Encoding Enum Enumerable Error EveryType Exception Exclude
    Extract False Field File Float Function GC Hash IO IPv4Address IPv6Address Infinity Integer Iterable Iterator
    JSON Kernel List Literal MISSING Map Math Method Module NaN Named Never NilClass None NonNullable Null Number
    Numeric Object Omit Optional Parameters Partial Pick Proc Process Promise Proxy Random Range Rational Readonly
    Record ReferenceError Regexp Required ReturnType RootModel RESULT SUBMIT Set Signal StandardError String
    StringConstraints Struct Symbol T TaskFailed TaskHandle Tasker Thread Time True Type TypeAliasType TypeError UUID
    Union Unknown Void
""")
_LEFT_OUT = read_words("""
    $schema $id $comment $defs definitions title examples default if then else not contains minContains maxContains
    propertyNames dependentRequired dependentSchemas dependencies unevaluatedItems unevaluatedProperties contentSchema
""")
_ELSEWHERE = ("$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor")
_SAID_BESIDE = read_words("description deprecated readOnly writeOnly")
_NULL = {"type": "null"}
_DEEPEST = 60


class Bundle:
    """The definitions of a template's schemas, by name: one that means nothing else in any of the languages."""

    def __init__(self) -> None:
        self.definitions: dict[str, dict[str, Any]] = {}
        self.names = Names(_TAKEN, suffix="Value")
        self.same: dict[str, list[tuple[Any, str]]] = {}

    def add(self, name: str, schema: Schema | None, at: str = "#") -> Type:
        """The type of a schema, or of its part `at` a place; a definition is called `name` if it has no title.

        Raises GenerateError for a reference that leads nowhere in the schema, and for nesting without end.
        """
        if schema is None:
            return Anything()
        reader = _Reader(self, schema, name)
        part = resolve(schema, at, name)
        title = members_of(part).get("title")
        wanted = title if isinstance(title, str) and words(title) else name
        bundled = reader.part(part, at, wanted, 0)
        of = type_of(bundled) or Named(reader.define(part, at, wanted))
        reader.finish()
        return of


class _Reader:
    """Reads one schema, in which its references lead somewhere."""

    def __init__(self, bundle: Bundle, root: Any, owner: str) -> None:
        self.bundle = bundle
        self.root = root
        self.owner = owner
        self.known: dict[str, str] = {}
        self.open: set[str] = set()
        self.unread: list[tuple[str, Any, str]] = []

    def part(self, schema: Any, pointer: str, wanted: str, depth: int) -> Any:
        """A part of the schema, bundled: an object with fields is a reference to its definition."""
        if depth > _DEEPEST:
            raise GenerateError(f"{self.owner}: the schema is nested too deeply at {pointer[:200]}")
        if not isinstance(schema, Mapping):
            return schema
        told = members_of(schema)
        if pointer in self.known:
            return {"$ref": REFERENCE + self.known[pointer]}
        if "allOf" in told:
            if pointer != "#" and self.has_fields(told, set()):
                return {"$ref": REFERENCE + self.define(told, pointer, wanted)}
        elif "properties" in told and "$ref" not in told:
            kinds = told.get("type", "object")
            if kinds == "object":
                return {"$ref": REFERENCE + self.define(told, pointer, wanted)}
            if sorted(items_of(kinds)) == ["null", "object"]:
                name = self.define({**told, "type": "object"}, f"{pointer}?", wanted)
                return {"anyOf": [{"$ref": REFERENCE + name}, _NULL]}
        return self.rewrite(told, pointer, wanted, depth)

    def has_fields(self, told: Mapping[str, Any], passed: set[str]) -> bool:
        """Whether values of a schema have named fields, by what it says itself or by a part of its allOf."""
        parts = [members_of(each) for each in items_of(told.get("allOf"))]
        reference = str(told.get("$ref", ""))
        if reference and reference not in passed:
            passed.add(reference)
            parts.append(members_of(resolve(self.root, reference, self.owner)))
        return "properties" in told or any(self.has_fields(each, passed) for each in parts)

    def define(self, schema: Any, pointer: str, wanted: str) -> str:
        """The name of the definition that a part of the schema becomes."""
        if pointer in self.known:
            return self.known[pointer]
        alike = self.bundle.same.setdefault(wanted, [])
        whole = (schema, *(members_of(self.root).get(word) for word in ("$defs", "definitions")))
        for other, name in alike:  # steps that say the same of something share its type
            if other == whole:
                self.known[pointer] = name
                return name
        name = self.bundle.names.take(pascal(wanted))
        self.known[pointer] = name
        alike.append((whole, name))
        # It comes before those that it refers to, and is read when they are only named: chains may be long.
        self.bundle.definitions[name] = {}
        self.unread.append((name, schema, pointer))
        return name

    def finish(self) -> None:
        """Read all definitions that were named."""
        while self.unread:
            name, schema, pointer = self.unread.pop()
            self.bundle.definitions[name] = self.rewrite(members_of(schema), pointer, name, 0)

    def rewrite(self, told: Mapping[str, Any], pointer: str, wanted: str, depth: int) -> Any:
        """The schema with its parts bundled, without what no type can say."""
        for word in _ELSEWHERE:
            if word in told:
                raise GenerateError(
                    f"{self.owner}: {word} at {pointer[:200]} leads nowhere that code can follow."
                    ' Refer to a definition by its place, as in "$ref": "#/$defs/Order"'
                )
        made: dict[str, Any] = {}
        for key, value in told.items():
            if key not in _LEFT_OUT and key != "$ref":
                made[key] = self.member(key, value, f"{pointer}/{key}", wanted, depth + 1)
        if "$ref" not in told:
            return _shorten(made)
        target = self.follow(told["$ref"], depth)
        if made.keys() <= _SAID_BESIDE:
            return target if "$ref" in members_of(target) else {**members_of(target), **made}
        return {"allOf": [target, made]}

    def member(self, key: str, value: Any, at: str, wanted: str, depth: int) -> Any:
        """What stands behind one word of a schema."""
        match key:
            case "description":
                return seen(str(value))
            case "properties" | "patternProperties":
                return {
                    name: self.part(each, f"{at}/{_escape(name)}", f"{wanted} {name}", depth)
                    for name, each in members_of(value).items()
                }
            case "anyOf" | "oneOf" | "prefixItems":
                return [
                    self.part(each, f"{at}/{number}", f"{wanted} {number + 1}", depth)
                    for number, each in enumerate(items_of(value))
                ]
            case "allOf":
                return [
                    self.rewrite(members_of(each), f"{at}/{number}", wanted, depth)
                    for number, each in enumerate(items_of(value))
                ]
            case "items":
                return self.part(value, at, f"{wanted} Item", depth)
            case "additionalProperties":
                return self.part(value, at, f"{wanted} Value", depth)
            case _:
                return value

    def follow(self, reference: Any, depth: int) -> Any:
        """What a reference leads to, bundled. What holds itself and has no fields may hold anything."""
        target = resolve(self.root, reference, self.owner)
        wanted = self.owner if reference == "#" else unquote(reference.rpartition("/")[2])
        if reference in self.open and reference not in self.known:
            return {}
        self.open.add(reference)
        try:
            return self.part(target, reference, wanted, depth + 1)
        finally:
            self.open.discard(reference)


def resolve(root: Any, reference: Any, owner: str) -> Any:
    """What stands at a place of a schema, as in `#/$defs/Order`. Raises GenerateError when it is not in it."""
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        raise GenerateError(
            f"{owner}: the reference {reference!r} does not lead into its own schema."
            ' Put what it means under $defs, and refer to it as "#/$defs/…"'
        )
    found: Any = root
    for step in reference[2:].split("/") if reference != "#" else []:
        word = unquote(step).replace("~1", "/").replace("~0", "~")
        try:
            found = (
                items_of(found)[int(word)] if isinstance(found, list) else members_of(found)[word]
            )
        except (KeyError, IndexError, ValueError):
            raise GenerateError(f"{owner}: {reference!r} leads nowhere") from None
    return found


def _shorten(made: dict[str, Any]) -> dict[str, Any]:
    """The schema in fewer words, where that says the same: a null beside one type, constraints that stand in an
    allOf.
    """
    for word in ("anyOf", "oneOf"):
        parts = items_of(made.get(word))
        if len(made) == 1 and parts and all(part == parts[0] for part in parts) and word == "anyOf":
            return {**members_of(parts[0])}
        others = [members_of(part) for part in parts if part != _NULL]
        if len(made) == 1 and len(parts) == 2 and len(others) == 1:
            (other,) = others
            if isinstance(other.get("type"), str) and not other.keys() & {"enum", "const"}:
                return {**other, "type": [other["type"], "null"]}
    told = [members_of(part) for part in items_of(made.get("allOf"))]
    rest = {key: value for key, value in made.items() if key != "allOf"}
    keys = [*rest, *(key for part in told for key in part)]
    if told and len(keys) == len(set(keys)) and not {"properties", "$ref", "required"} & set(keys):
        return {**rest, **{key: value for part in told for key, value in part.items()}}
    return made


def _escape(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
