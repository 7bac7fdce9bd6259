"""The JSON Schemas of annotated types, as exact as what is really read and written. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.errors import PydanticUserError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from tasker_grammar.contracts import Schema, strip_prose

__all__ = ["accepted_fields", "accepted_schema", "exact_schema", "produced_schema"]


_DECIMAL = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


class _Accepted(GenerateJsonSchema):
    """Decimals are described the same by every version of pydantic, and no text passes for one.

    Some versions give a pattern and some do not, but a registered template must not change with
    the version.
    """

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        described = super().decimal_schema(schema)
        text = described["anyOf"][1] if "anyOf" in described else described
        text["pattern"] = _DECIMAL
        return described


class _Exact(_Accepted):
    """What a type takes, without what it would overlook: there is nothing beside its fields."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        return _closed(super().model_schema(schema))

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        return _closed(super().dataclass_schema(schema))

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> JsonSchemaValue:
        return _closed(super().typed_dict_schema(schema))


class _Produced(_Exact):
    """The schema of a dump, which is narrower than pydantic's own.

    Fields with defaults are always written, and nothing beside the fields is. Without saying so, a
    producer with a default would not fit a consumer that requires the field, and hardly any would
    fit one with a further, optional field.
    """

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,
    ) -> bool:
        if field.get("serialization_exclude_if") is not None:
            return False
        return field["type"] != "typed-dict-field" or field.get("required", total)


def _closed(schema: JsonSchemaValue) -> JsonSchemaValue:
    if "properties" in schema:
        schema.setdefault("additionalProperties", False)
    return schema


def accepted_schema(adapter: TypeAdapter[Any]) -> Schema | None:
    """What the type takes, or None when it cannot be described."""
    try:
        return strip_prose(adapter.json_schema(mode="validation", schema_generator=_Accepted))
    except PydanticUserError:
        return None


def exact_schema(adapter: TypeAdapter[Any]) -> Schema | None:
    """What the type takes, with its fields and no others; None when it cannot be described."""
    try:
        return strip_prose(adapter.json_schema(mode="validation", schema_generator=_Exact))
    except PydanticUserError:
        return None


def accepted_fields(fields: Mapping[str, TypeAdapter[Any]]) -> dict[str, dict[str, Any]]:
    """The keywords `properties` and `$defs` of an object with these fields, each of which can be described."""
    inputs: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = [
        (name, "validation", adapter) for name, adapter in fields.items()
    ]
    described, shared = TypeAdapter.json_schemas(inputs, schema_generator=_Accepted)
    keywords = {"properties": {name: schema for (name, _), schema in described.items()}, **shared}
    return {
        keyword: {name: strip_prose(schema) for name, schema in named.items()}
        for keyword, named in keywords.items()
    }


def produced_schema(adapter: TypeAdapter[Any]) -> Schema | None:
    """What the type is written as, or None when it cannot be described."""
    try:
        return strip_prose(adapter.json_schema(mode="serialization", schema_generator=_Produced))
    except PydanticUserError:
        return None
