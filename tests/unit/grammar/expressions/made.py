"""Expressions made by chance: for a type that is given, of a kind that is wanted; and of any shape. Pure.

What is made is mostly accepted, because each part is made for the type of what it stands behind.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tasker_grammar.expressions import Expression, check
from tasker_grammar.type_algebra import members, optional, without
from tasker_grammar.types import (
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

NAMES = ("a", "b", "c", "kind", "ünï", "if", "odd name")
TEXTS = ("", "a", "b", "ab", "a b", "A,b", "é", "𝒳y", 'q"\\', "\n", "\x7f", "-1", "1.5", "0")
INTEGERS = (0, 1, 2, 3, 5, -1, -2, 10, 255)
FRACTIONS = (0.5, 1.5, 2.5, -0.5, 0.1, 0.3, 1.25, 100.01)
SIEVES = ("nulls", "booleans", "numbers", "strings", "arrays", "objects", "values", "scalars")
LARGE = (2**53 - 1, -(2**53 - 1), 2**53, 2**53 + 1, 10**18, 1e17, 1e-7, 1e300)


def make_schema(random: Random, depth: int = 3) -> dict[str, Any]:
    """A schema of the kinds that data has: closed objects mostly, some fields optional, some null, some tagged."""
    pick = random.random()
    if depth == 0 or pick < 0.35:
        return _scalar_schema(random)
    if pick < 0.65:
        return _object_schema(random, depth)
    if pick < 0.85:
        bounds = random.choice(({}, {}, {"minItems": 1}, {"maxItems": 3}))
        return {"type": "array", "items": make_schema(random, depth - 1), **bounds}
    if pick < 0.93:
        return {"anyOf": [make_schema(random, depth - 1), {"type": "null"}]}
    if pick < 0.98:
        return {
            "anyOf": [
                _with_tag(_object_schema(random, depth), tag)
                for tag in ("a", "b")[: random.randint(1, 2)]
            ]
        }
    return {"type": "object", "additionalProperties": make_schema(random, depth - 1)}


def _scalar_schema(random: Random) -> dict[str, Any]:
    return random.choice(
        (
            {"type": "integer"},
            {"type": "integer", "minimum": 0, "maximum": 5},
            {"type": "number"},
            {"type": "string"},
            {"type": "string", "minLength": 1},
            {"enum": ["a", "b", "ab"]},
            {"type": "boolean"},
            {"type": ["string", "null"]},
            {"type": ["number", "null"]},
            {"type": ["integer", "string"]},
        )
    )


def _object_schema(random: Random, depth: int) -> dict[str, Any]:
    names = random.sample(NAMES, random.randint(0, 4))
    return {
        "type": "object",
        "properties": {name: make_schema(random, depth - 1) for name in names},
        "required": [name for name in names if random.random() < 0.75],
        "additionalProperties": False,
    }


def _with_tag(schema: dict[str, Any], tag: str) -> dict[str, Any]:
    properties = {**schema["properties"], "kind": {"const": tag}}
    return {**schema, "properties": properties, "required": [*{*schema["required"], "kind"}]}


def make_value(random: Random, schema: dict[str, Any]) -> Any:
    """A value that satisfies a schema of `make_schema`."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return random.choice(schema["enum"])
    if "anyOf" in schema:
        return make_value(random, random.choice(schema["anyOf"]))
    kinds = schema["type"]
    kind = random.choice(kinds) if isinstance(kinds, list) else kinds
    match kind:
        case "null":
            return None
        case "boolean":
            return random.random() < 0.5
        case "integer":
            return random.randint(0, 5) if "minimum" in schema else _number(random, INTEGERS)
        case "number":
            return _number(random, (*INTEGERS, *FRACTIONS, 3.0))
        case "string":
            texts = TEXTS[1:] if "minLength" in schema else TEXTS
            return random.choice(texts)
        case "array":
            least, most = schema.get("minItems", 0), schema.get("maxItems", 4)
            return [make_value(random, schema["items"]) for _ in range(random.randint(least, most))]
        case _:
            return _object(random, schema)


def _number(random: Random, usual: tuple[float, ...]) -> int | float:
    large = LARGE if float in map(type, usual) else [n for n in LARGE if isinstance(n, int)]
    return random.choice(large if random.random() < 0.02 else usual)


def _object(random: Random, schema: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties", {})
    made = {
        name: make_value(random, part)
        for name, part in properties.items()
        if name in schema["required"] or random.random() < 0.5
    }
    rest = schema["additionalProperties"]
    if rest is not False:
        made |= {name: make_value(random, rest) for name in random.sample(NAMES, 2)}
    return dict(random.sample(list(made.items()), len(made)))


@dataclass(frozen=True)
class Maker:
    """Makes expressions for a `.` of the type `dot`, with these variables in reach."""

    random: Random
    dot: Type
    variables: tuple[tuple[str, Type], ...] = ()

    def make(self, depth: int) -> str:
        """An expression of some kind."""
        makers: list[Callable[[int], str]] = [
            self.number, self.number, self.text, self.boolean, self.list, self.list, self.object, self.whole,
        ]  # fmt: skip
        return self.random.choice(makers)(depth)

    # -- where there is something to be found

    def at(self, dot: Type) -> Maker:
        return replace(self, dot=dot)

    def paths(self) -> Iterator[tuple[str, Type]]:
        """What can be read as it is: paths, with their types."""
        roots = [(".", self.dot), *((f"${name}", type) for name, type in self.variables)]
        for text, type in roots:
            yield from _paths(text, type, 3)

    def path(self, *kinds: type[Type]) -> str | None:
        """A path to a value of one of these kinds; where it may be null, with a default behind it."""
        found = [
            (text, type)
            for text, type in self.paths()
            if (parts := members(without(type, Null))) and all(isinstance(p, kinds) for p in parts)
        ]
        if not found:
            return None
        text, type = self.random.choice(found)
        if any(isinstance(part, Null) for part in members(type)):
            return f"({text} // {self.constant(kinds[0])})"
        return text

    def constant(self, kind: type[Type]) -> str:
        random = self.random
        if kind is Number:
            return str(random.choice((*INTEGERS[:5], 0.5, 1.5, 3.0)))
        if kind is String:
            return json.dumps(random.choice(TEXTS[:11]))
        if kind is Boolean:
            return random.choice(("true", "false"))
        return "[]" if kind is Array else "{}"

    def pick(self, kind: type[Type], *makers: Callable[[int], str], depth: int) -> str:
        """A path or a constant of a kind, or what one of the makers gives."""
        if depth <= 0 or self.random.random() < 0.2:
            return self.path(kind) or self.constant(kind)
        return self.random.choice(makers)(depth - 1)

    # -- by kind

    def number(self, depth: int) -> str:
        return self.pick(
            Number, self._arithmetic, self._arithmetic, self._length, self._unary, self._total,
            self._choice(self.number), self._bound(self.number), self._best, self._to_number, depth=depth,
        )  # fmt: skip

    def _arithmetic(self, depth: int) -> str:
        operator = self.random.choice("+-*/%+-*")
        left, right = self.number(depth), self.number(depth)
        return f"({left} {operator} {right})"

    def _unary(self, depth: int) -> str:
        if self.random.random() < 0.2:
            return f"(-{self.number(depth)})"
        return f"({self.number(depth)} | {self.random.choice(('floor', 'ceil', 'round', 'abs'))})"

    def _length(self, depth: int) -> str:
        maker = self.random.choice((self.text, self.list, self.object))
        return f"({maker(depth)} | length)"

    def _total(self, depth: int) -> str:
        inner, source = self._over(depth)
        one = inner.number(depth - 1)
        ways = (
            f"({source} | map({one}) | add // 0)",
            f"(add({source}[] | {one}) // 1)",
            f"({source} | map({one}) | {self.random.choice(('min', 'max', 'first', 'last'))} // 0)",
        )
        return self.random.choice(ways)

    def _best(self, depth: int) -> str:
        inner, source = self._over(depth)
        order = self.random.choice(("min_by", "max_by"))
        best = f"{source} | {order}({inner.scalar(depth - 1)})"
        read = inner.at(inner.dot).path(Number)
        return (
            f"(({best}) as $best | {source} | length)"
            if read is None
            else f"(first({source}[] | {read}) // 0)"
        )

    def _to_number(self, depth: int) -> str:
        return (
            f"({self.text(depth)} | tonumber)"
            if self.random.random() < 0.3
            else f"({self.number(depth)} | tostring | tonumber)"
        )

    def text(self, depth: int) -> str:
        return self.pick(
            String, self._together, self._hole, self._trimmed, self._slice, self._joined, self._kind,
            self._choice(self.text), self._bound(self.text), depth=depth,
        )  # fmt: skip

    def _together(self, depth: int) -> str:
        return f"({self.text(depth)} + {self.text(depth)})"

    def _hole(self, depth: int) -> str:
        return f'"{self.random.choice(("", "n: ", "é"))}\\({self.make(depth)})."'

    def _trimmed(self, depth: int) -> str:
        name = self.random.choice(("ltrimstr", "rtrimstr", "trimstr"))
        if self.random.random() < 0.5:
            plain = self.random.choice(("ascii_downcase", "ascii_upcase", "trim", "ltrim", "rtrim"))
            return f"({self.text(depth)} | {plain})"
        return f"({self.text(depth)} | {name}({self.text(depth - 1)}))"

    def _slice(self, depth: int) -> str:
        return f"({self.text(depth)} | {self._part()})"

    def _part(self) -> str:
        start, end = (self.random.choice(("", "0", "1", "2", "-1", "-2")) for _ in range(2))
        return f".[{start}:{end}]" if start or end else ".[1:]"

    def _joined(self, depth: int) -> str:
        inner, source = self._over(depth)
        return f"({source} | map({inner.scalar(depth - 1)}) | join({self.text(0)}))"

    def _kind(self, depth: int) -> str:
        return f"({self.make(depth)} | {self.random.choice(('type', 'tostring', 'tojson'))})"

    def scalar(self, depth: int) -> str:
        return self.random.choice((self.number, self.text, self.boolean))(depth)

    def boolean(self, depth: int) -> str:
        return self.pick(
            Boolean, self._comparison, self._comparison, self._logic, self._asked, self._quantified,
            depth=depth,
        )  # fmt: skip

    def _comparison(self, depth: int) -> str:
        operator = self.random.choice(("==", "!=", "<", "<=", ">", ">="))
        maker = self.random.choice((self.number, self.text, self.boolean, self.list))
        return f"({maker(depth)} {operator} {maker(depth)})"

    def _logic(self, depth: int) -> str:
        if self.random.random() < 0.2:
            return f"({self.boolean(depth)} | not)"
        return f"({self.make(depth)} {self.random.choice(('and', 'or'))} {self.boolean(depth)})"

    def _asked(self, depth: int) -> str:
        found = [
            text for text, type in self.paths() if any(isinstance(m, Null) for m in members(type))
        ]
        if found and self.random.random() < 0.5:
            return f"({self.random.choice(found)} {self.random.choice(('==', '!='))} null)"
        if self.random.random() < 0.2:
            return f"({self.object(depth)} | has({self.text(0)}))"
        name = self.random.choice(("startswith", "endswith", "contains"))
        return f"({self.text(depth)} | {name}({self.text(depth - 1)}))"

    def _quantified(self, depth: int) -> str:
        inner, source = self._over(depth)
        if self.random.random() < 0.2:
            which = self.random.choice(("any", "all"))
            return f"{which}({source}[]; {inner.boolean(depth - 1)})"
        if self.random.random() < 0.2:
            return f"({self.text(depth)} | IN({self.text(0)}, {self.text(0)}))"
        if self.random.random() < 0.2:
            return f"isempty({source}[] | select({inner.boolean(depth - 1)}))"
        return f"({source} | {self.random.choice(('any', 'all'))}({inner.boolean(depth - 1)}))"

    def list(self, depth: int) -> str:
        return self.pick(
            Array, self._mapped, self._mapped, self._filtered, self._filtered, self._ordered, self._listed,
            self._pieces, self._counted, self._grouped, self._choice(self.list), self._bound(self.list),
            depth=depth,
        )  # fmt: skip

    def _over(self, depth: int) -> tuple[Maker, str]:
        """A list, and a maker for what stands in it."""
        source = self.list(depth - 1)
        return self.inside(source), source

    def inside(self, source: str) -> Maker:
        return self.at(self.each(source))

    def each(self, source: str) -> Type:
        whole = self._type(f"[{source} | .[]]")
        return whole.items if isinstance(whole, Array) else Never()

    def _type(self, source: str) -> Type:
        """What an expression is known to give, here."""
        binding = Object({"dot": Field(self.dot)} | {name: Field(t) for name, t in self.variables})
        prefix = "".join(f".{name} as ${name} | " for name, _ in self.variables)
        checked = check(f"{prefix}.dot | {source}", binding)
        return checked.type if isinstance(checked, Expression) else Never()

    def _mapped(self, depth: int) -> str:
        inner, source = self._over(depth)
        if self.random.random() < 0.1:
            return f"({source} | map({self.random.choice(SIEVES)}))"
        body = inner.make(depth - 1)
        return self.random.choice((f"({source} | map({body}))", f"[{source}[] | {body}]"))

    def _filtered(self, depth: int) -> str:
        inner, source = self._over(depth)
        optional = [t for t, type in inner.paths() if Null() in members(type) and t.startswith(".")]
        if optional and self.random.random() < 0.5:
            condition = f"{self.random.choice(optional)} != null"
            kept = f"{source} | map(select({condition}))"
            return f"({kept} | map({self.inside(f'({kept})').make(depth - 1)}))"
        condition = inner.boolean(depth - 1)
        return f"({source} | map(select({condition})))"

    def _ordered(self, depth: int) -> str:
        inner, source = self._over(depth)
        plain = self.random.choice(
            ("sort", "unique", "reverse", "flatten", "flatten(1)", self._part())
        )
        by = self.random.choice(("sort_by", "unique_by", "group_by"))
        ways = (f"({source} | {plain})", f"({source} | {by}({inner.make(depth - 1)}))")
        return self.random.choice(ways)

    def _grouped(self, depth: int) -> str:
        inner, source = self._over(depth)
        groups = f"({source} | group_by({inner.scalar(depth - 1)}))"
        return f"({groups} | map({self.inside(groups).make(depth - 1)}))"

    def _listed(self, depth: int) -> str:
        parts = [self.make(depth - 1) for _ in range(self.random.randint(1, 3))]
        if self.random.random() < 0.2:
            return f"({self.list(depth)} {self.random.choice('+-')} {self.list(depth)})"
        return f"[{', '.join(parts)}]"

    def _pieces(self, depth: int) -> str:
        ways = (
            f"[{self.make(depth)}, empty]",
            f"[last({self.list(depth)}[])]",
            f"({self.text(depth)} | split({self.text(depth - 1)}))",
            f"({self.object(depth)} | {self.random.choice(('keys', 'to_entries'))})",
            f"[limit({self.random.randint(0, 3)}; {self.list(depth)}[])]",
            f"({self.text(depth)} / {self.text(0)})",
        )
        return self.random.choice(ways)

    def _counted(self, depth: int) -> str:
        end = self.random.choice(("3", "5", "4"))
        return self.random.choice(
            (f"[range({end})]", f"[range(1; {end})]", f"[range({end}; 0; -1)]")
        )

    def object(self, depth: int) -> str:
        return self.pick(
            Object, self._built, self._built, self._merged, self._changed, self._entries,
            self._choice(self.object), depth=depth,
        )  # fmt: skip

    def _built(self, depth: int) -> str:
        names = self.random.sample(NAMES, self.random.randint(1, 3))
        fields = [f"{_key(name)}: {self.make(depth - 1)}" for name in names]
        return f"{{{', '.join(fields)}}}"

    def _merged(self, depth: int) -> str:
        return f"({self.object(depth)} {self.random.choice('+*')} {self.object(depth)})"

    def _changed(self, depth: int) -> str:
        source = self.object(depth)
        inner = self.inside(source)
        if self.random.random() < 0.3:
            whole = self._type(source)
            names = [n for m in members(whole) if isinstance(m, Object) for n in m.fields]
            if names:
                return f"({source} | del({_dotted(self.random.choice(names))}))"
        return f"({source} | map_values({inner.make(depth - 1)}))"

    def _entries(self, depth: int) -> str:
        inner, source = self._over(depth)
        entry = f"{{key: {inner.text(depth - 1)}, value: {inner.make(depth - 1)}}}"
        if self.random.random() < 0.5:
            return f"({source} | map({entry}) | from_entries)"
        return f"({self.object(depth)} | with_entries(select(.key != {self.constant(String)})))"

    def whole(self, depth: int) -> str:
        """Anything that there is: moved, not computed."""
        found = [text for text, _ in self.paths()]
        return self.random.choice(found)

    # -- of any kind

    def _choice(self, make: Callable[[int], str]) -> Callable[[int], str]:
        def made(depth: int) -> str:
            if self.random.random() < 0.3:
                return f"(({self.whole(depth)} | select({self.boolean(depth)}) | {make(depth)}) // {make(depth)})"
            return f"(if {self.boolean(depth)} then {make(depth)} else {make(depth)} end)"

        return made

    def _bound(self, make: Callable[[int], str]) -> Callable[[int], str]:
        def made(depth: int) -> str:
            name = self.random.choice("xyz")
            value = self.make(depth)
            others = tuple(each for each in self.variables if each[0] != name)
            inner = replace(self, variables=(*others, (name, self._type(value))))
            bound = getattr(inner, make.__name__)(depth)
            return f"({value} as ${name} | {bound})"

        return made


def _key(name: str) -> str:
    return name if name.isascii() and name.isidentifier() else json.dumps(name, ensure_ascii=False)


def _dotted(name: str) -> str:
    return (
        f".{name}"
        if name.isascii() and name.isidentifier()
        else f".{json.dumps(name, ensure_ascii=False)}"
    )


def _paths(text: str, type: Type, depth: int) -> Iterator[tuple[str, Type]]:
    yield text, type
    if depth == 0 or not isinstance(type, Object):
        return
    for name, field in type.fields.items():
        read = field.type if field.required else optional(field.type)
        yield from _paths(f"{'' if text == '.' else text}{_dotted(name)}", read, depth - 1)


_ATOMS = (
    ".",
    ".a",
    ".b",
    ".c",
    ".[]",
    ".[0]",
    "1",
    '"a"',
    "null",
    "[]",
    "{}",
    "$x",
    ".a[]",
    '."odd name"',
)
_BUILTINS = (
    "length",
    "keys",
    "add",
    "any",
    "all",
    "sort",
    "unique",
    "first",
    "not",
    "type",
    "tostring",
    "empty",
)
_TAKING = (
    "map",
    "select",
    "sort_by",
    "group_by",
    "any",
    "all",
    "first",
    "min_by",
    "add",
    "map_values",
    "isempty",
)


def make_any(random: Random, depth: int = 4) -> str:
    """An expression of any shape, mostly not accepted."""
    if depth == 0 or random.random() < 0.15:
        return random.choice((*_ATOMS, *_BUILTINS))
    one, other = make_any(random, depth - 1), make_any(random, depth - 1)
    shape = random.choice(
        (
            "{0} | {1}", "{0} | {1}", "{0} | {1}", "{0}, {1}", "{0} // {1}", "({0} + {1})", "({0} == {1})",
            "[{0}]", "[{0}]", "{{a: {0}, b: {1}}}", "if {0} then {1} else {0} end", "{0} as $x | {1}",
            "{2}({0})", "{2}({0})", '"\\({0})"', "({0} and {1})", "({0} < {1})", "({0})", "first({0}) // {1}",
        )
    )  # fmt: skip
    return shape.format(one, other, random.choice(_TAKING))
