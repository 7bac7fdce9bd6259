"""Files of compositions that nobody should write: a composition, or findings that say where and what.

Whatever is read can be filled in and checked.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, note
from hypothesis import strategies as st
from tests.fuzz import hostile
from tests.fuzz.documents import PIECES
from tests.fuzz.scale import bounded

from tasker.compositions import Loaded, read_compositions
from tasker.errors import LocatedFinding
from tasker_grammar.catalog import bundled, extend
from tasker_grammar.checking import check_composition
from tasker_grammar.composition import Composition
from tasker_grammar.filling import fill
from tasker_grammar.resources import Resources

TEXTS = [
    each.read_text("utf-8")
    for each in files("tasker_grammar.catalog").iterdir()
    if each.name.endswith(".yaml")
]
DATA: list[Any] = [yaml.safe_load(text) for text in TEXTS]


def read(folder: Path, text: str, suffix: str) -> list[Loaded]:
    """What is read from a text; what is wrong with it must be findings."""
    file = folder / f"a{suffix}"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    loaded, findings = read_compositions([file])
    assert loaded or findings
    for each in findings:
        assert_told(each, text)
    return loaded


def assert_told(finding: LocatedFinding, text: str) -> None:
    assert 1 <= finding.line <= text.count("\n") + 2
    assert finding.finding.message.strip()
    json.dumps(finding.as_json()).encode()


def use(loaded: Loaded, text: str) -> None:
    """Fill it in as its example does, and check it: nothing is raised."""
    composition = loaded.composition
    for _, finding in extend(bundled(), [composition])[1]:
        assert_told(loaded.locate(finding), text)
    example = composition.example
    filled = fill(composition, {} if example is None else example.arguments)
    if isinstance(filled, Composition):
        resources = Resources() if example is None else example.resources
        report = check_composition(filled, resources, bundled())
        found = report.findings
    else:
        found = tuple(filled)
    for finding in found:
        assert_told(loaded.locate(finding), text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("compositions")


@bounded(250)
@given(st.randoms(use_true_random=False), st.sampled_from([".yaml", ".json"]))
def test_a_composition_with_something_wrong_in_it(
    folder: Path, random: Random, suffix: str
) -> None:
    data = hostile.mutated(random, random.choice(DATA))
    text = json.dumps(data) if suffix == ".json" else yaml.safe_dump(data, sort_keys=False)
    note(text)
    for each in read(folder, text, suffix):
        use(each, text)


@bounded(150)
@given(st.randoms(use_true_random=False))
def test_a_composition_that_is_written_wrongly(folder: Path, random: Random) -> None:
    text = random.choice(TEXTS)
    for _ in range(random.choice((1, 1, 2, 4))):
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.choice(PIECES) + text[at + random.choice((0, 1, 20)) :]
    note(text)
    for each in read(folder, text, ".yaml"):
        use(each, text)
