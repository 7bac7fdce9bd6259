"""The template loader with texts that nobody should write: a template, or findings that say where and what."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from tests.fuzz.documents import PUBLISHED, document, scrambled
from tests.fuzz.scale import bounded

from tasker import TemplateError, UnknownEnvironmentError
from tasker.storable import dumps_anything, serialize
from tasker.yaml_template import parse_templates


def load(text: str, environment: str | None = None) -> None:
    """Load a text; what is wrong with it must be findings."""
    try:
        loaded = parse_templates(text, file="x.yaml", environment=environment)
    except UnknownEnvironmentError as error:
        assert error.name == environment
    except TemplateError as error:
        assert error.findings
        for finding in error.findings:
            assert finding.file == "x.yaml"
            assert 1 <= finding.line <= text.count("\n") + 2
            assert finding.what.strip()
            str(finding).encode()
    else:
        for each in loaded:
            stored = serialize(dumps_anything, each.template.to_json())
            assert isinstance(stored, bytes), stored


@pytest.mark.parametrize("make", [document, scrambled])
@bounded(250)
@given(st.randoms(use_true_random=False), st.sampled_from([None, "test"]))
def test_it_is_a_template_or_findings(
    make: Callable[[Random], str], random: Random, environment: str | None
) -> None:
    text = make(random)
    note(text)
    load(text, environment)


TEMPLATE = PUBLISHED[0]
BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"b{n}: &b{n} {{<<: [{', '.join([f'*b{n - 1}' if n else '*a'] * 9)}]}}\n" for n in range(9)
)
DEEP_AND_WIDE = (
    "input_schema: " + "[" * 240 + "&a [" + "1, " * 100 + "1]" + ", *a" * 900 + "]" * 240
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        MERGES,
        DEEP_AND_WIDE,
        "a: " + "[" * 100_000,
        "a: " + "{a: " * 5_000,
        "- " * 20_000,
        "a: " + "9" * 100_000,
        "a: 0x" + "f" * 100_000,
        "a: " + "1" * 5_000 + "e1",
        "x" * 300_000,
        "a: [" + "1, " * 40_000 + "]",
        "".join(f"k{n}: 1\n" for n in range(8_000)),
        "? " * 3_000,
        '"' + "\\" * 100_001 + '"',
        TEMPLATE.replace("version: ", "version: " + "9" * 5_000, 1),
        TEMPLATE + "input_schema: " + "[" * 240 + "]" * 240,
    ],
    ids=range(16),
)  # fmt: skip
def test_what_could_be_without_end_ends(text: str) -> None:
    before = time.process_time()
    load(text)
    assert time.process_time() - before < 30
