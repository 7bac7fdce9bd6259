"""The JSON Schema for editors, beside the loader: they agree, but for unknown fields, which only the loader takes."""

import copy
import json
from functools import cache
from importlib.resources import files
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from tasker.errors import TemplateError
from tasker.yaml_source import read_documents
from tasker.yaml_template import parse_templates

ROOT = Path(__file__).parents[3]
GOOD = [
    path
    for folder in ("tests/templates", "examples", "sdk/tasker")
    for path in sorted((ROOT / folder).rglob("*.yaml"))
    if "node_modules" not in path.parts and "namespace_name:" in path.read_text("utf-8")
]
FULL = """\
name: full
namespace_name: shop
version: 1.10
description: null
metadata: {team: shop}
input_schema: {type: object}
lifecycle: {max_duration_minutes: 60, staleness_action: dlq}
on_failure: compensate
expansion: {max_steps: 10, max_depth: 2}
limits: [{name: mine, concurrency: 3, unit: task}]
steps:
  - name: split
    type: batchable
    handler: {callable: shop.split, method: run, initialization: {rows: 10}}
  - name: work
    step_type: batch_worker
    handler: {callable: shop.work}
    depends_on: [split]
    batch_config: {parallelism: 2, failure_strategy: fail_fast}
    retry: {retryable: true, max_attempts: 2, backoff: linear, backoff_base_ms: 10, jitter: 0.5, permanent_errors: [A]}
    timeout_seconds: 5
    total_timeout_seconds: 7.5
  - name: gather
    type: deferred_convergence
    handler: {callable: shop.gather}
    dependencies: [work]
    queue: shop
    expands: [more]
    result_schema: true
    limits: [{rate: 5, period_seconds: 2.0, key: $.tenant}]
    compensate:
      handler: {callable: shop.undo}
      takes: [split]
      when: started
  - name: more
    type: dynamic
    handler: {callable: shop.more}
  - name: last
    type: deferred_convergence
    handler: {callable: shop.last}
    dependencies: [more]
environments:
  test:
    steps:
      - {name: ALL, retry: {max_attempts: 1}, timeout_seconds: 1, handler: {initialization: {rows: 1}}}
      - {name: work, queue: other, batch_config: {parallelism: 1}, total_timeout_seconds: 9, limits: []}
    lifecycle: {max_duration_minutes: 5}
    limits: [{name: mine, concurrency: 1}]
  staging:
"""
VALUES = [None, 2.5, "x", [], ["x"], [1], {}]


@cache
def validator():
    text = (files("tasker") / "schema" / "template.json").read_text("utf-8")
    return jsonschema_rs.Draft202012Validator(json.loads(text))


def read(text):
    (document,) = read_documents(text)
    assert not document.problems
    return document.data


def loads(text):
    """What the loader says: None if it refuses it, else its warnings."""
    try:
        (loaded,) = parse_templates(text)
    except TemplateError:
        return None
    return [str(warning) for warning in loaded.warnings]


def places(value, path=()):
    """All paths into the fields of a template, but not into a user's own data."""
    yield path
    if path and path[-1] in ("initialization", "metadata", "input_schema", "result_schema"):
        return
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, item in inner:
        yield from places(item, (*path, key))


def put(data, path, value):
    """The data with another value there, or without it where the value is `...`."""
    changed = copy.deepcopy(data)
    at = changed
    for step in path[:-1]:
        at = at[step]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return changed


@pytest.mark.parametrize("path", GOOD, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_template_of_this_repository_fits(path):
    for document in read_documents(path.read_text()):
        if document.data is None:
            continue
        unknown = any(
            "is unknown" in warning for warning in loads(yaml.safe_dump(document.data)) or ()
        )
        errors = [str(e) for e in validator().iter_errors(document.data)]
        assert bool(errors) == unknown, errors
        assert all(e.startswith("Additional properties are not allowed") for e in errors)


def test_a_template_with_every_field_fits():
    assert loads(FULL) is not None
    assert [str(e) for e in validator().iter_errors(read(FULL))] == []


@pytest.mark.parametrize(
    ("path", "value", "at"),
    [
        (("nmae",), "x", ()),
        (("steps", 0, "depends"), [], ("steps", 0)),
        (("steps", 1, "retry", "max_attempt"), 2, ("steps", 1, "retry")),
        (("steps", 1, "retry", "backoff"), "quadratic", ("steps", 1, "retry", "backoff")),
        (("steps", 1, "batch_config", "parallelism"), 0, ("steps", 1, "batch_config", "parallelism")),
        (("steps", 0, "type"), "batch", ("steps", 0, "type")),
        (("steps", 0, "step_type"), "batchable", ("steps", 0)),
        (("steps", 0, "handler"), ..., ("steps", 0)),
        (("steps", 0, "handler", "callable"), "", ("steps", 0, "handler", "callable")),
        (("steps", 2, "queue"), "Shop", ("steps", 2, "queue")),
        (("namespace_name",), "1shop", ("namespace_name",)),
        (("version",), ..., ()),
        (("input_schema",), {"type": "objekt"}, ("input_schema", "type")),
        (("environments", "test", "steps", 0, "timeout"), 3, ("environments", "test", "steps", 0)),
    ],
)  # fmt: skip
def test_a_mistake_is_found_where_it_is(path, value, at):
    errors = list(validator().iter_errors(put(read(FULL), path, value)))
    assert errors
    assert any(_deepest(error)[: len(at)] == at for error in errors), [str(e) for e in errors]


def _deepest(error):
    """The place that an error is about; of those in alternatives, the deepest."""
    places = [tuple(error.instance_path)]
    context = getattr(error.kind, "context", None) or []
    for branch in context:
        places += [_deepest(each) for each in branch]
    return max(places, key=len)


def test_what_the_loader_takes_and_the_schema_refuses_is_only_unknown_fields():
    data = read(FULL)
    checked = 0
    for path in places(data):
        for value in [..., *VALUES] if path else []:
            changed = put(data, path, value)
            warnings = loads(yaml.safe_dump(changed, sort_keys=False))
            if warnings is None:
                continue
            checked += 1
            if not any("unknown" in warning for warning in warnings):
                errors = [str(e) for e in validator().iter_errors(changed)]
                assert not errors, (path, value, errors)
    assert checked > 150


def test_every_field_says_what_it_is_for():
    text = (files("tasker") / "schema" / "template.json").read_text("utf-8")
    schema = json.loads(text)
    ours = [each for name, each in schema["$defs"].items() if not name.startswith("JsonSchema")]
    for definition in [schema, *ours]:
        for name, field in definition["properties"].items():
            assert field["description"], name
