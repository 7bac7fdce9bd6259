"""The JSON Schema of templates in YAML, for editors: types from the models that read it, words from docs/templates.md.

What it refuses and the loader takes is only unknown fields, which the loader warns of.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from meta_schema import REF, define_schema
from pages import ROOT, quoted, read_tables
from pydantic import AliasChoices

from tasker import yaml_fields as fields
from tasker.names import LONGEST_STEP, LONGEST_TEMPLATE, LONGEST_VERSION, NAMESPACE, QUEUE

PAGE = ROOT / "docs" / "templates.md"
TARGET = ROOT / "sdk" / "tasker" / "schema" / "template.json"


Json = dict[str, Any]

# Each model, and the heading in the page under which its fields are explained.
MODELS: Mapping[type[fields.Fields], str] = {
    fields.TemplateFields: "Template fields",
    fields.StepFields: "Step fields",
    fields.FragmentFields: "Fragment fields",
    fields.HandlerFields: "Handler fields",
    fields.RetryFields: "Retry fields",
    fields.BatchFields: "Batch fields",
    fields.CompensationFields: "Compensation fields",
    fields.LimitFields: "Limit fields",
    fields.ExpansionFields: "Expansion fields",
    fields.LifecycleFields: "Lifecycle fields",
    fields.EnvironmentFields: "Environment fields",
    fields.OverrideFields: "Change fields",
}
# In the words of other rows, because the page has none of their own.
SAME: Mapping[type[fields.Fields], Mapping[str, str]] = {
    fields.HandlerOverrideFields: {"initialization": "Laid over the step's own."},
}
# What is checked by other means than the models'.
NARROWER: Mapping[tuple[type[fields.Fields], str], Json] = {
    (fields.TemplateFields, "name"): {"minLength": 1, "maxLength": LONGEST_TEMPLATE},
    (fields.TemplateFields, "namespace_name"): {"pattern": f"^{NAMESPACE.pattern}$"},
    (fields.TemplateFields, "version"): {"minLength": 1, "maxLength": LONGEST_VERSION},
    (fields.TemplateFields, "steps"): {"minItems": 1, "maxItems": 20_000},
    (fields.StepFields, "name"): {"minLength": 1, "maxLength": LONGEST_STEP},
    (fields.StepFields, "queue"): {"pattern": f"^{QUEUE.pattern}$"},
    (fields.OverrideFields, "queue"): {"pattern": f"^{QUEUE.pattern}$"},
}
SCHEMAS = ("input_schema", "result_schema")
# What may stand in place of a field that is required.
INSTEAD: Mapping[type[fields.Fields], tuple[str, ...]] = {
    fields.StepFields: ("handler", "composition", "fragment"),
}


def render() -> str:
    """The schema as the package holds it."""
    made = fields.TemplateFields.model_json_schema()
    by_name = {model.__name__: model for model in [*MODELS, *SAME]}
    definitions = {
        name: _adapt(by_name[name], definition) for name, definition in made.pop("$defs").items()
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": "Written by checks/docs.py --write. Do not edit.",
        **_adapt(fields.TemplateFields, made),
        "$defs": definitions | define_schema(),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _adapt(model: type[fields.Fields], made: Json) -> Json:
    words = _read_rows(model)
    required = made.get("required", [])
    properties: Json = {}
    both: list[list[str]] = []
    for name, info in model.model_fields.items():
        alias = info.validation_alias
        names = [str(each) for each in alias.choices] if isinstance(alias, AliasChoices) else [name]
        own = made["properties"][names[0]] | NARROWER.get((model, name), {})
        schema = _adapt_field(name, own, optional=names[0] not in required)
        properties |= {each: {"description": words[each], **schema} for each in names}
        both += [names] if len(names) > 1 else []
    adapted: Json = {
        "title": model.__name__.removesuffix("Fields"),
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
    }
    if model in INSTEAD:
        names = INSTEAD[model]
        adapted["required"] = [name for name in required if name not in names]
        adapted["anyOf"] = [{"required": [name], "properties": _given([name])} for name in names]
    if both:
        # Null is the same as absent, also for the other of two names.
        adapted["allOf"] = [
            {"not": {"required": names, "properties": _given(names)}} for names in both
        ]
    return adapted


def _given(names: list[str]) -> Json:
    return {name: {"not": {"type": "null"}} for name in names}


def _adapt_field(name: str, made: Json, *, optional: bool) -> Json:
    default = made.pop("default", None)
    schema = _adapt_value(made)
    if name in SCHEMAS:
        schema = dict(REF)
    if optional and schema and not _takes_null(schema):
        schema = _or_null(schema)
    return schema if default is None else {**schema, "default": default}


def _adapt_value(made: Json) -> Json:
    """Without titles; and a number where a text is meant is taken as it was written: `version: 1.10`."""
    schema = {key: value for key, value in made.items() if key != "title"}
    if schema.get("type") == "string" and "enum" not in schema and "const" not in schema:
        schema["type"] = ["string", "number"]
    if isinstance(schema.get("items"), dict):
        schema["items"] = _adapt_value(schema["items"])
    if isinstance(schema.get("anyOf"), list):
        schema["anyOf"] = [_adapt_value(each) for each in schema["anyOf"]]
    if isinstance(schema.get("additionalProperties"), dict):
        schema["additionalProperties"] = _or_null(_adapt_value(schema["additionalProperties"]))
    return schema


def _takes_null(schema: Json) -> bool:
    return {"type": "null"} in schema.get("anyOf", ())


def _or_null(schema: Json) -> Json:
    if "type" in schema and "enum" not in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return {**schema, "type": [*kinds, "null"]}
    if "enum" in schema:
        rest = {key: value for key, value in schema.items() if key != "type"}
        return {**rest, "enum": [*schema["enum"], None]}
    return {"anyOf": [schema, {"type": "null"}]}


def _read_rows(model: type[fields.Fields]) -> dict[str, str]:
    """What the page says of each field, without links."""
    if model in SAME:
        return dict(SAME[model])
    [table] = read_tables(PAGE, MODELS[model])
    rows = {name: _say(row) for row in table for name in quoted(row[0])}
    missing = set(fields.known_names(model)) - set(rows)
    if missing:
        sys.exit(f"docs/templates.md: under {MODELS[model]} there is no row for {sorted(missing)}")
    return rows


def _say(row: Sequence[str]) -> str:
    _, acts, meaning = row
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", meaning)
    return f"Nothing acts on it yet. {plain}".strip() if acts == "warns" else plain
