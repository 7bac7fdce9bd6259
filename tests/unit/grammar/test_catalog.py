"""Compositions are found by name and version; a user's own stand beside those that come with Tasker, not over them."""

from __future__ import annotations

from typing import Any

import pytest

from tasker_grammar.catalog import Catalog, bundled, extend
from tasker_grammar.composition import Composition
from tasker_grammar.filling import find_parameter_faults
from tasker_grammar.findings import Finding


def make(name: str, version: str = "1.0.0", **fields: Any) -> Composition:
    steps = [{"id": "only", "kind": "transform", "value": "."}]
    given = {"name": name, "version": version, "steps": steps, "result": "only", **fields}
    return Composition.model_validate(given)


VERSIONS = ["1.9.0", "1.10.0", "1.10.0-rc1", "1.2"]
CATALOG = Catalog((*(make("tidy", version) for version in VERSIONS), make("send")))


def test_a_name_alone_means_the_latest_version() -> None:
    found = CATALOG.find("tidy")
    assert found is not None
    assert found.version == "1.10.0"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_means_that_one(version: str) -> None:
    found = CATALOG.find(f"tidy@{version}")
    assert found is not None
    assert found.version == version


NOT_THERE = (
    "List them: tasker composition list. Give your own with --compositions, or as compositions=."
)


@pytest.mark.parametrize(
    ("reference", "hint"),
    [
        ("tidi", 'Did you mean "tidy"?'),
        ("tidy@2.0.0", "There are: 1.9.0, 1.10.0, 1.10.0-rc1, 1.2."),
        ("unheard_of", NOT_THERE),
        (3, NOT_THERE),
    ],
)
def test_what_is_not_there_is_told_with_what_is(reference: object, hint: str) -> None:
    finding = CATALOG.find_or_explain(reference)
    assert isinstance(finding, Finding)
    assert (finding.code, finding.hint) == ("R504", hint)


def test_own_compositions_stand_beside_the_others() -> None:
    catalog, findings = extend(CATALOG, [make("mine"), make("mine", "2.0.0")])
    assert findings == []
    assert catalog.names == ["tidy", "send", "mine"]


def test_nothing_takes_a_name_that_comes_with_tasker() -> None:
    catalog, findings = extend(CATALOG, [make("mine"), make("send", "9.0.0")])
    assert [(index, finding.code) for index, finding in findings] == [(1, "P107")]
    assert catalog.names == ["tidy", "send", "mine"]
    assert catalog.find("send@9.0.0") is None


def test_the_same_version_is_not_there_twice() -> None:
    catalog, findings = extend(CATALOG, [make("mine"), make("mine")])
    assert [(index, finding.code) for index, finding in findings] == [(1, "P106")]
    assert len(catalog.compositions) == len(CATALOG.compositions) + 1


def test_what_is_bundled_is_well_made() -> None:
    for composition in bundled():
        assert find_parameter_faults(composition) == [], composition.name
