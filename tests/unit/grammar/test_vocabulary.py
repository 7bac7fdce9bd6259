"""The vocabulary has all that there is, in three sizes, and whatever is looked for is found."""

from __future__ import annotations

import json

import pytest

from tasker_grammar.catalog import Catalog, bundled
from tasker_grammar.checking.codes import CODES
from tasker_grammar.composition import Composition
from tasker_grammar.expressions.library import FUNCTIONS
from tasker_grammar.primitives import PRIMITIVES
from tasker_grammar.vocabulary import SIZES, Size, as_json, gather, search, write

ENTRIES = gather(bundled())


def names(sort: str) -> list[str]:
    return [each.name for each in ENTRIES if each.sort == sort]


def test_it_has_all_that_there_is() -> None:
    assert names("primitive") == list(PRIMITIVES)
    assert names("composition") == bundled().names
    assert sorted(names("function")) == sorted(name for name, _ in FUNCTIONS)
    assert names("code") == list(CODES)


def test_everything_is_described() -> None:
    for entry in ENTRIES:
        assert entry.summary, entry.name
        if entry.sort == "primitive":
            assert entry.about["gives"], entry.name
            assert entry.about["fields"], entry.name


@pytest.mark.parametrize(
    ("name", "signature"),
    [
        ("acquire", "acquire {resource, params?}"),
        ("decide", "decide {cases: [{name?, when, then}], else?}"),
        ("converge", "converge {needs, mode?}"),
        ("compose", "compose {composition, with?, input?}"),
        ("notify", "notify(event, payload?, key?, when?)"),
        ("limit", "limit(count; values)"),
        ("keys", "keys"),
    ],
)
def test_a_signature_says_how_it_is_written(name: str, signature: str) -> None:
    assert signature in [each.signature for each in ENTRIES if each.name == name]


@pytest.mark.parametrize(
    ("size", "tokens"), [("small", 1_300), ("medium", 4_000), ("full", 10_000)]
)
def test_each_size_is_as_large_as_it_says(size: Size, tokens: int) -> None:
    text = write(ENTRIES, size)
    assert tokens * 0.6 < len(text) / 4 < tokens  # a token is about four characters
    for entry in ENTRIES:
        if entry.sort in ("primitive", "composition"):
            assert f"{entry.name}" in text
    assert "group_by" in text
    assert ("C305" in text) == (size == "full")


@pytest.mark.parametrize("size", SIZES)
def test_it_is_there_for_programs_too(size: Size) -> None:
    document = json.loads(json.dumps(as_json(ENTRIES, size)))
    signatures = {each["signature"] for each in document["entries"]}
    assert {each.signature for each in ENTRIES if each.sort == "primitive"} <= signatures
    assert document["rules"]


def test_ones_own_compositions_are_in_it() -> None:
    own = Composition.model_validate(
        {
            "name": "tidy",
            "description": "Tidies up. Use it at night.",
            "steps": [{"id": "a", "kind": "transform", "value": "."}],
            "result": "a",
        }
    )
    entries = gather(Catalog((*bundled(), own)))
    assert "- `tidy()`: Tidies up." in write(entries, "small")


def test_what_is_looked_for_is_found_by_name_first() -> None:
    assert search(ENTRIES, ["Group_By"])[0].name == "group_by"
    found = [each.name for each in search(ENTRIES, ["approve", "person"])]
    assert found[:1] == ["approve_then_persist"]
    assert "gate" in found
    assert search(ENTRIES, ["no such thing"]) == []
