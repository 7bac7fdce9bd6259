"""The JSON Schema of compositions takes what is well written, and refuses what an editor should mark."""

from __future__ import annotations

from copy import deepcopy
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
import yaml

from tasker_grammar.composition_schema import composition_schema
from tasker_grammar.primitives import PRIMITIVES

SCHEMA = composition_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
FILES = [each for each in files("tasker_grammar.catalog").iterdir() if each.name.endswith(".yaml")]


def read(name: str) -> dict[str, Any]:
    [file] = [each for each in FILES if each.name == f"{name}.yaml"]
    return yaml.safe_load(file.read_text("utf-8"))


def test_it_is_a_schema_and_has_all_kinds_of_steps() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert set(PRIMITIVES) <= set(SCHEMA["$defs"])


@pytest.mark.parametrize("name", [each.name.removesuffix(".yaml") for each in FILES])
def test_whatever_comes_with_tasker_keeps_it(name: str) -> None:
    assert list(VALIDATOR.iter_errors(read(name))) == []


def change(document: dict[str, Any], path: list[Any], value: Any) -> dict[str, Any]:
    changed = deepcopy(document)
    part: Any = changed
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["name"], "Not a name"),
        (["reslt"], "given"),
        (["effect"], "writes"),
        (["parameters", "source", "kind"], "url"),
        (["steps"], []),
        (["steps", 0, "kind"], "fetch"),
        (["steps", 0, "resorce"], "orders"),
        (["steps", 0, "resource"], {"$param": 3}),
        (["steps", 0, "id"], {"$param": "source"}),
    ],
)
def test_what_an_editor_should_mark_is_refused(path: list[Any], value: Any) -> None:
    assert not VALIDATOR.is_valid(change(read("fetch_json"), path, value))


def test_steps_within_steps_are_held_to_it_too() -> None:
    document = read("enrich_each")
    assert not VALIDATOR.is_valid(change(document, ["steps", 0, "steps", 0, "kind"], "fetch"))
