"""Types for Ruby: a struct for each object, and its signature in RBS. Pure.

No kept generator makes them. What has no fields of its own stays what JSON is in Ruby, and is untyped where RBS has
no word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tasker.generate.json_values import members_of
from tasker.generate.naming import Names, one_line, snake
from tasker.generate.plan import Plan
from tasker.generate.ruby.expressions import RESERVED, dump, is_struct, load, quote, sign
from tasker.generate.types import Anything, Named, Type, nullable, type_of

__all__ = ["write_signatures", "write_structs"]


@dataclass(frozen=True, slots=True)
class _Field:
    key: str
    name: str
    type: Type
    required: bool
    description: str


def write_structs(plan: Plan, module: str) -> str:
    """The structs, in a module."""
    body = "\n\n".join(
        _write(plan, name) for name in plan.definitions if is_struct(plan, Named(name))
    )
    return f"module {module}\n{body}\nend\n"


def write_signatures(plan: Plan, module: str) -> str:
    """The signatures of the structs."""
    body = "\n".join(_sign(plan, name) for name in plan.definitions if is_struct(plan, Named(name)))
    return f"module {module}\n{body}end\n"


def _fields(schema: Mapping[str, Any]) -> Iterator[_Field]:
    names = Names(RESERVED)
    required = schema.get("required", ())
    for key, told in members_of(schema["properties"]).items():
        description = members_of(told).get("description", "")
        yield _Field(
            key,
            names.take(snake(key)),
            type_of(told) or Anything(),
            key in required,
            str(description),
        )


def _write(plan: Plan, name: str) -> str:
    schema = plan.definitions[name]
    fields = list(_fields(schema))
    lines = [f"  # {one_line(line)}" for line in str(schema.get("description", "")).splitlines()]
    lines += [
        f"  # @!attribute {field.name} {one_line(field.description)}"
        for field in fields
        if field.description
    ]
    members = ", ".join(f":{field.name}" for field in fields) or "nil"
    head = (
        f"  {name} = Struct.new({members}, keyword_init: true) do"
        if fields
        else f"  {name} = Class.new do"
    )
    reads = [f"        {field.name}: {_read(plan, field)}," for field in fields]
    certain = [_pair(plan, field) for field in fields if field.required]
    others = [_pair(plan, field) for field in fields if not field.required]
    whole = "{ " + ", ".join(certain) + " }" if certain else "{}"
    if others:
        whole += ".merge({ " + ", ".join(others) + " }.compact)"
    lines += [
        head,
        "    # Made of what a handler is given.",
        "    def self.from(json)" if fields else "    def self.from(_json)",
        "      new(" if fields else "      new",
        *reads,
        *(["      )"] if fields else []),
        "    end",
        "",
        "    # As it is stored: a field that may be left out, and is nil, is left out.",
        "    def to_h",
        f"      {whole}",
        "    end",
        "  end",
    ]
    return "\n".join(lines)


def _read(plan: Plan, field: _Field) -> str:
    value = f"json[{quote(field.key)}]"
    return load(plan, field.type if field.required else nullable(field.type), value)


def _pair(plan: Plan, field: _Field) -> str:
    of = field.type if field.required else nullable(field.type)
    return f"{quote(field.key)} => {dump(plan, of, field.name)}"


def _sign(plan: Plan, name: str) -> str:
    fields = list(_fields(plan.definitions[name]))
    kinds = [
        (field, sign(plan, field.type if field.required else nullable(field.type)))
        for field in fields
    ]
    attributes = [f"    attr_accessor {field.name}: {kind}" for field, kind in kinds]
    parameters = ", ".join(
        f"{'' if field.required else '?'}{field.name}: {kind}" for field, kind in kinds
    )
    base = " < ::Struct[untyped]" if fields else ""
    return "\n".join(
        [
            f"  class {name}{base}",
            *attributes,
            f"    def self.new: ({parameters}) -> instance",
            "    def self.from: (untyped json) -> instance",
            "    def to_h: () -> ::Hash[::String, untyped]",
            "  end",
            "",
        ]
    )
