"""Types for Python: pydantic models, by datamodel-code-generator. Imports it when it is asked."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

import orjson

from tasker.errors import GenerateError

__all__ = ["CONVERTED", "INSTALL", "write_models"]

INSTALL = "pip install 'tasker-pg[generate]'"
CONVERTED = frozenset({"date", "date-time", "time", "uuid", "ipv4", "ipv6"})
"""Formats that Python has a type for which comes to the same text again."""

# Which type a word of a schema is about.
_ABOUT = {
    "string": {"minLength", "maxLength", "pattern", "format", "x-format"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    "array": {"items", "prefixItems", "minItems", "maxItems", "uniqueItems"},
    "object": {
        "properties",
        "required",
        "additionalProperties",
        "patternProperties",
        "minProperties",
        "maxProperties",
    },
}


def write_models(definitions: Mapping[str, Mapping[str, Any]], named: Collection[str]) -> str:
    """A module of models, one a definition; those that are `named` must be in it. Raises GenerateError."""
    if not definitions:
        return ""
    try:
        import datamodel_code_generator as generator
        from datamodel_code_generator import enums
    except ImportError:
        raise GenerateError(
            f"types for Python need datamodel-code-generator, which is not installed: {INSTALL}"
        ) from None
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {name: _prepare(schema) for name, schema in definitions.items()},
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = generator.generate(
                orjson.dumps(document).decode(),
                input_file_type=generator.InputFileType.JsonSchema,
                output_model_type=enums.DataModelType.PydanticV2BaseModel,
                target_python_version=generator.PythonVersion.PY_311,
                base_class="tasker.records.Record",
                custom_file_header="# types",
                disable_timestamp=True,
                skip_root_model=True,
                use_type_alias=True,
                target_pydantic_version=_find_version(),
                enum_field_as_literal=generator.LiteralType.All,
                use_annotated=True,
                use_double_quotes=True,
                use_missing_sentinel=True,
                strict_nullable=True,
                use_schema_description=True,
                use_single_line_docstring=True,
                use_standard_collections=True,
                use_tuple_for_closed_arrays=True,
                use_union_operator=True,
                snake_case_field=True,
                strict_refs=True,
                allow_remote_refs=False,
                field_extra_keys_without_x_prefix={"x-format"},
                formatters=[generator.Formatter.BUILTIN],
            )
    except Exception as error:  # it raises what it comes upon
        raise GenerateError(
            f"datamodel-code-generator cannot write these types: {error}"
        ) from error
    text = str(made)
    for name in named:
        if not re.search(rf"^(class {name}\(|{name} )", text, re.MULTILINE):
            raise GenerateError(f"datamodel-code-generator has given {name} another name")
    return text.removeprefix("# types").strip() + "\n"


def _find_version() -> Any:
    """What the models are written for: the pydantic that is installed, from the oldest that Tasker runs with on."""
    import pydantic
    from datamodel_code_generator.enums import TargetPydanticVersion

    installed = tuple(map(int, pydantic.VERSION.split(".")[:2]))
    return TargetPydanticVersion.V2_14 if installed >= (2, 14) else TargetPydanticVersion.V2_12


def _prepare(schema: Any) -> Any:
    """A schema in words that the generator makes plain types of, each constraint beside the type that it is about.

    Formats that it would make of something else than their text are notes.
    """
    if isinstance(schema, list):
        return [_prepare(each) for each in cast("list[Any]", schema)]
    if not isinstance(schema, Mapping):
        return schema
    told = cast("Mapping[str, Any]", schema)
    made: dict[str, Any] = {}
    for key, value in told.items():
        if key in ("properties", "patternProperties"):
            made[key] = {name: _prepare(each) for name, each in value.items()}
        elif key in ("const", "enum", "required"):
            made[key] = value
        elif key == "format":
            named = told.get("type") in ("string", ["string", "null"]) and value in CONVERTED
            made["format" if named else "x-format"] = value
        else:
            made[key] = _prepare(value)
    kinds = made.get("type")
    if isinstance(kinds, list) and len(cast("list[Any]", kinds)) > 1 and len(made) > 1:
        return _split(made, cast("list[str]", kinds))
    return made


def _split(told: Mapping[str, Any], kinds: Sequence[str]) -> Mapping[str, Any]:
    """A schema of several types as one of several schemas."""
    others = [kind for kind in kinds if kind != "null"]
    if len(others) == 1:
        return told
    of = {word: kind for kind, words in _ABOUT.items() for word in words}
    each = [
        {"type": kind}
        | {
            key: told[key]
            for key in told
            if of.get(key) == kind or (kind, of.get(key)) == ("integer", "number")
        }
        for kind in kinds
    ]
    rest = {key: value for key, value in told.items() if key not in of and key != "type"}
    return {**rest, "anyOf": each}
