"""Every broken template is caught before it runs, with the right code at the right place; good ones are left alone."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import Any, cast

import pytest
import yaml
from tests.unit.sdk.checking.mutators import MUTATORS, TEXT, Expected, Path
from tests.unit.sdk.checking.shapes import SHAPES, Json, make

from tasker.checking import CODES
from tasker.errors import TemplateFinding
from tasker.yaml_template import LoadedTemplate, examine_text

GOOD = 50
BROKEN = 200


def dump(data: Json) -> str:
    return yaml.safe_dump(json.loads(json.dumps(data)), sort_keys=False, width=1000)


def examine(text: str, handlers: Any = None) -> tuple[bool, list[TemplateFinding]]:
    [outcome] = examine_text(text, file="order.yaml", handlers=handlers)
    return isinstance(outcome, LoadedTemplate), list(outcome.findings)


def line_of(text: str, path: Path) -> int:
    """The line of what a path leads to, by the marks of YAML's own nodes."""
    node = cast("yaml.Node", yaml.compose(text))
    line = node.start_mark.line
    for part in path:
        if isinstance(node, yaml.MappingNode):
            key, node = next((k, v) for k, v in node.value if k.value == part)
            line = key.start_mark.line
        else:
            node = node.value[part]
            line = node.start_mark.line
    return line + 1


def broken_ones() -> list[tuple[str, str, int, str, Expected]]:
    """Mutators by turns, each on the next shape that it can break: both names, a seed, the text, what is expected."""
    found: list[tuple[str, str, int, str, Expected]] = []
    for seed in range(100):
        for number, (name, mutate) in enumerate(MUTATORS.items()):
            for turn in range(len(SHAPES)):
                shape = SHAPES[(seed + number + turn) % len(SHAPES)]
                data = json.loads(json.dumps(make(shape, seed)))
                expected = mutate(Random(f"{name} {seed}"), data)
                if expected is not None:
                    found.append((name, shape.__name__, seed, dump(data), expected))
                    break
            if len(found) == BROKEN - len(TEXT) - len(SHAPES):
                return found
    raise AssertionError("too few can be broken")


@pytest.mark.parametrize("number", range(GOOD))
def test_a_good_template_is_left_alone(number: int) -> None:
    shape = SHAPES[number % len(SHAPES)]
    sound, findings = examine(dump(make(shape, number)))
    assert sound
    assert findings == []


BROKEN_ONES = broken_ones()


@pytest.mark.parametrize(
    ("text", "expected"),
    [(text, expected) for *_, text, expected in BROKEN_ONES],
    ids=[f"{name}-{shape}-{seed}" for name, shape, seed, *_ in BROKEN_ONES],
)
def test_a_broken_template_is_caught(text: str, expected: Expected) -> None:
    sound, findings = examine(text)
    told = [(finding.code, finding.line) for finding in findings]
    assert (expected.code, line_of(text, expected.path)) in told
    assert sound == all(finding.severity != "error" for finding in findings)
    errors = {finding.code for finding in findings if finding.severity == "error"}
    assert errors - {expected.code} <= expected.also


@pytest.mark.parametrize("name", TEXT)
def test_broken_yaml_is_caught(name: str) -> None:
    cut = TEXT[name]
    text = dump(make(SHAPES[0], 0)).replace(cut.old, cut.new, 1)
    [line] = [number for number, line in enumerate(text.splitlines(), 1) if cut.marked in line]
    assert [(f.code, f.line) for f in examine(text)[1]] == [(cut.code, line)]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_a_handler_that_no_worker_has_is_caught(shape: Any) -> None:
    data = make(shape, 1)
    text = dump(data)
    [outcome] = examine_text(text)
    assert isinstance(outcome, LoadedTemplate)
    names = {handler for handler, _ in outcome.template.handlers}
    assert examine(text, names)[1] == []
    lost = data["steps"][-1]["handler"]["callable"]
    [finding] = examine(text, names - {lost})[1]
    line = line_of(text, ("steps", len(data["steps"]) - 1, "handler", "callable"))
    assert (finding.code, finding.line) == ("unserved-handler", line)


def test_the_run_is_of_200_and_breaks_in_every_way() -> None:
    assert len(BROKEN_ONES) + len(TEXT) + len(SHAPES) == BROKEN
    assert {name for name, *_ in BROKEN_ONES} == set(MUTATORS)
    codes = Counter(expected.code for *_, expected in BROKEN_ONES)
    elsewhere = {cut.code for cut in TEXT.values()}
    elsewhere |= {"unserved-handler", "unreadable-file", "no-template", "too-many-edges"}
    assert set(codes) | elsewhere == set(CODES)
