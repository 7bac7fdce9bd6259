"""Says what is wrong with resources that can be read, as far as they themselves tell. Pure.

What a database would have to be asked is asked by `resources_online`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, assert_never, cast

from tasker.actions.addresses import is_private_name, listed_as
from tasker.actions.http_requests import BadRequest, check_header, fill_holes, holes_of, read_base
from tasker.actions.table_shape import OURS
from tasker.names import did_you_mean
from tasker_grammar.contracts import Contract, SchemaError, path_text
from tasker_grammar.expressions.kinds import kind_of
from tasker_grammar.findings import Finding, Severity
from tasker_grammar.resources import Action, Endpoint, Event, Resource, Resources, Secret, Table
from tasker_grammar.subset import survey
from tasker_grammar.telling import pointer

__all__ = ["check_resources"]

JsonSchema = dict[str, Any] | bool

_SCALARS = frozenset({"string", "integer", "number", "boolean"})
_PRIVATE_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s/:@\[\]]+):\d{1,5}")
_SEGMENT = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%-]*")


def check_resources(resources: Resources) -> Iterator[Finding]:
    """Everything there is to be said about them. Paths lead into the file of resources."""
    sections: list[tuple[str, Mapping[str, Resource]]] = [
        ("endpoints", resources.endpoints),
        ("tables", resources.tables),
        ("events", resources.events),
        ("actions", resources.actions),
    ]
    for section, named in sections:
        for name, resource in named.items():
            at = f"/{section}/{name}"
            yield from (found.below(at) for found in _check(resource))
            yield from (found.below(at) for found in _check_labels(resource, resources.labels))
    for name, schema in resources.schemas.items():
        yield from (found.below("/schemas") for found in _check_schema(name, schema))
    if len(set(resources.labels)) < len(resources.labels):
        yield _finding(
            "/labels", "a label stands twice", "Each stands once, the most public first."
        )


def _check(resource: Resource) -> Iterator[Finding]:
    match resource:
        case Endpoint():
            yield from _check_endpoint(resource)
            yield from _check_params(resource)
            yield from _check_schema("result", resource.result)
        case Table():
            yield from _check_table(resource)
        case Event():
            yield from _check_schema("payload", resource.payload)
        case Action():
            yield from _check_schema("input", resource.input)
            yield from _check_schema("result", resource.result)
        case _ as never:
            assert_never(never)


def _check_labels(resource: Resource, labels: tuple[str, ...]) -> Iterator[Finding]:
    if isinstance(resource, Action):
        return
    for field, label in (("label", resource.label), ("accepts", resource.accepts)):
        if label is not None and label not in labels:
            hint = did_you_mean(label, labels) or "Add it to `labels:`."
            yield _finding(f"/{field}", f'there is no label "{label}"', hint)


def _check_endpoint(endpoint: Endpoint) -> Iterator[Finding]:
    if isinstance(endpoint.base_url, str):
        try:
            scheme, host, port, _ = read_base(endpoint.base_url)
        except BadRequest as error:
            yield _finding("/base_url", str(error), "Write https://host, perhaps with a path.")
        else:
            secret = any(isinstance(text, Secret) for text in endpoint.headers.values())
            if scheme == "http" and secret and not endpoint.private_hosts:
                what = "a secret goes over http, where anybody on the way reads it"
                yield _finding("/base_url", what, "Use https.", "warning")
            listed = listed_as(host, port)
            if is_private_name(host) and listed not in map(str.lower, endpoint.private_hosts):
                what = f"{host} is not public, so it is not read from"
                hint = f'If that is meant, add `private_hosts: ["{listed}"]`.'
                yield _finding("/base_url", what, hint)
    segments = fill_holes(endpoint.path, lambda name: "x").split("/")[1:]
    if "" in segments[:-1] or not all(map(_is_segment, segments)):
        hint = "Write /segments/with/{holes}, without `..`, a query or a fragment."
        yield _finding("/path", "this is no path", hint)
    for name, value in endpoint.headers.items():
        try:
            check_header(name, value if isinstance(value, str) else None)
        except BadRequest as error:
            yield _finding(pointer(["headers", name]), str(error), "Take it out.")
    for index, host in enumerate(endpoint.private_hosts):
        if not _PRIVATE_HOST.fullmatch(host):
            yield _finding(
                f"/private_hosts/{index}", f'"{host}" is no host with its port', "Write host:port."
            )
    yield from _check_pages(endpoint)


def _is_segment(text: str) -> bool:
    return _SEGMENT.fullmatch(text) is not None and text not in (".", "..")


def _check_pages(endpoint: Endpoint) -> Iterator[Finding]:
    pages = endpoint.pages
    if pages is None:
        return
    if endpoint.method == "HEAD":
        yield _finding("/method", "HEAD brings no pages", "Use GET.")
    if pages.style != "link" and pages.parameter is None:
        hint = "Add `parameter:`, the name of what is sent to get a page."
        yield _finding("/pages", f"pages by {pages.style} need a parameter", hint)
    if pages.style == "cursor" and pages.cursor_field is None:
        hint = "Add `cursor_field:`, where an answer has the next cursor."
        yield _finding("/pages", "pages by cursor need a cursor_field", hint)
    if isinstance(endpoint.result, dict) and endpoint.result.get("type", "array") != "array":
        hint = "With `pages`, the result is the list of all items."
        yield _finding("/result", "the result of pages is no array", hint)


def _check_params(endpoint: Endpoint) -> Iterator[Finding]:
    yield from _check_schema("params", endpoint.params)
    properties, required = _object(endpoint.params)
    if properties is None:
        yield _not_closed("params", endpoint.params)
        return
    for hole in sorted(holes_of(endpoint.path)):
        if hole not in properties or hole not in required:
            hint = f"Add {hole} to the properties of params, and to its `required`."
            yield _finding("/path", f"{{{hole}}} is not always given by params", hint)
        elif not _types(properties[hole]) <= _SCALARS:
            hint = (
                "In a path stands a string, an integer, a number or a boolean: give it that `type`."
            )
            yield _finding("/path", f"{{{hole}}} may be what cannot stand in a path", hint)
    for name, schema in properties.items():
        if name not in holes_of(endpoint.path) and "object" in _types(schema):
            hint = "Use a string, a number, a boolean, null, or a list of them."
            yield _finding(
                pointer(["params", "properties", name]), "an object cannot stand in a query", hint
            )


def _check_table(table: Table) -> Iterator[Finding]:
    if table.schema_name in OURS:
        what = f"the schema {table.schema_name} is the engine's own"
        yield _finding("/schema", what, "Write to a table of yours.")
    yield from _check_schema("row", table.row)
    properties, required = _object(table.row)
    if properties is None:
        yield _not_closed("row", table.row)
        return
    for index, column in enumerate(table.key):
        if column not in properties or column not in required:
            hint = f"Add {column} to the properties of row, and to its `required`."
            yield _finding(f"/key/{index}", f"{column} is in the key, but not in every row", hint)
        elif "null" in _types(properties[column]):
            hint = "Two rows with null in their key are two rows: writing them again makes more."
            yield _finding(f"/key/{index}", f"{column} is in the key, and may be null", hint)


def _check_schema(field: str, schema: JsonSchema) -> Iterator[Finding]:
    try:
        Contract(schema)
    except SchemaError as error:
        hint = f"Mend it at {path_text(error.path)}."
        yield Finding(
            "S601", "error", f"{field} is no usable JSON Schema: {error}", hint, f"/{field}"
        )
        return
    outside = survey(schema, schema).outside
    if outside is not None:
        where, why = outside
        hint = "What is compared with it is rejected. Say it with simpler keywords."
        message = f"{field} at {path_text(where)} cannot be compared with other contracts: {why}"
        yield Finding("S601", "warning", message, hint, f"/{field}")


def _object(schema: JsonSchema) -> tuple[dict[str, Any] | None, list[Any]]:
    """Properties and required fields of a closed object's schema; no properties where it is none."""
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return None, []
    if schema.get("additionalProperties") is not False:
        return None, []
    properties: Any = schema.get("properties", {})
    required: Any = schema.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list):
        return None, []
    return cast("dict[str, Any]", properties), cast("list[Any]", required)


def _not_closed(field: str, schema: JsonSchema) -> Finding:
    if isinstance(schema, dict) and schema.get("type") == "object":
        what = f"{field} lets in fields that it does not name"
        return _finding(f"/{field}", what, "Add `additionalProperties: false` to it.")
    hint = "Write {type: object, properties: {…}, additionalProperties: false}."
    return _finding(f"/{field}", f"{field} is no schema of an object", hint)


def _types(schema: Any) -> frozenset[str]:
    """The types of values that a schema of one field allows, as far as it says so by itself."""
    match schema:
        case {"const": value}:
            return frozenset({kind_of(value)})
        case {"enum": [*values]}:
            return frozenset(map(kind_of, values))
        case {"type": str(name)}:
            return frozenset({name})
        case {"type": [*names]}:
            return frozenset(map(str, names))
        case {"anyOf": [*parts]} | {"oneOf": [*parts]}:
            return frozenset[str]().union(*map(_types, parts))
        case _:
            return frozenset({"anything"})


def _finding(path: str, message: str, hint: str, severity: Severity = "error") -> Finding:
    return Finding("R505", severity, message, hint, path)
