"""docs/templates.md names every field there is, and says rightly which of them act."""

from __future__ import annotations

import pytest
from checks.pages import ROOT, quoted, read_tables

from tasker.limits import Limit
from tasker.policy import Retry
from tasker.template import Compensation, StepDefinition, Template
from tasker.yaml_fields import (
    BatchFields,
    CompensationFields,
    EnvironmentFields,
    ExpansionFields,
    Fields,
    HandlerFields,
    LifecycleFields,
    LimitFields,
    OverrideFields,
    RetryFields,
    StepFields,
    TemplateFields,
    known_names,
)

PAGE = ROOT / "docs" / "templates.md"

LIMIT = Limit("api", rate=1)
UNDO = Compensation("h.undo_a")
TAKES = {"type": "object"}
STEP = StepDefinition(
    "a", "h.a", input_schema=TAKES, compensate=UNDO, expands=("b",), limits=(LIMIT,)
)
DYNAMIC = StepDefinition("b", "h.b", kind="dynamic")
TEMPLATE = Template("n", "t", "1", (STEP, DYNAMIC), on_failure="compensate", limits=(LIMIT,))


@pytest.mark.parametrize(
    ("heading", "fields"),
    [
        ("Template fields", TemplateFields),
        ("Step fields", StepFields),
        ("Handler fields", HandlerFields),
        ("Retry fields", RetryFields),
        ("Batch fields", BatchFields),
        ("Compensation fields", CompensationFields),
        ("Limit fields", LimitFields),
        ("Lifecycle fields", LifecycleFields),
        ("Expansion fields", ExpansionFields),
        ("Environment fields", EnvironmentFields),
        ("Change fields", OverrideFields),
    ],
)
def test_the_yaml_fields_are_those_of_the_code(heading: str, fields: type[Fields]) -> None:
    [rows] = read_tables(PAGE, heading)
    assert sorted(name for row in rows for name in quoted(row[0])) == sorted(known_names(fields))
    assert {quoted(row[0])[0] for row in rows if row[1] == "warns"} == set(fields.LATER)
    assert {row[1] for row in rows} <= {"yes", "no", "warns"}


@pytest.mark.parametrize(
    ("heading", "keys"),
    [
        ("Definition", TEMPLATE.to_json().keys()),
        ("Step", STEP.to_json().keys()),
        ("Compensation", UNDO.to_json().keys()),
        ("Retry", Retry().to_json().keys()),
        ("Limit", LIMIT.to_json().keys()),
    ],
)
def test_the_json_fields_are_those_of_the_code(heading: str, keys: set[str]) -> None:
    [rows] = read_tables(PAGE, heading)
    assert {name for row in rows for name in quoted(row[0])} == set(keys)
