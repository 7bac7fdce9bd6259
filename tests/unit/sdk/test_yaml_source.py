"""YAML as JSON, with the line of everything."""

from __future__ import annotations

from typing import Any

import pytest

from tasker.yaml_source import Document, read_documents


def read(text: str) -> Document:
    (document,) = read_documents(text)
    return document


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: 1", {"a": 1}),
        ("a: [1, -2, 0x1F, 0o17, 007]", {"a": [1, -2, 31, 15, 7]}),
        ("a: [1.5, .5, 1e3, -2.]", {"a": [1.5, 0.5, 1000.0, -2.0]}),
        ("a: [true, False, TRUE]", {"a": [True, False, True]}),
        ("a: [yes, no, on, off, y]", {"a": ["yes", "no", "on", "off", "y"]}),
        ("a: [~, null, ]", {"a": [None, None]}),
        ("a:", {"a": None}),
        ("a: 2024-05-01", {"a": "2024-05-01"}),
        ("a: 12:30", {"a": "12:30"}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: '1'", {"a": "1"}),
        ("a: !!str 1", {"a": "1"}),
        ("1: one\ntrue: two\n~: three", {"1": "one", "true": "two", "~": "three"}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        (
            "base: &b {x: 1, y: 2}\nreal: {<<: *b, y: 3}",
            {"base": {"x": 1, "y": 2}, "real": {"x": 1, "y": 3}},
        ),
        ("a: &a [1]\nb: *a", {"a": [1], "b": [1]}),
        ("[a, b]", ["a", "b"]),
    ],
)
def test_what_is_read(text: str, data: Any) -> None:
    document = read(text)
    assert (document.data, document.problems) == (data, [])


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("a: 1\nb: 2\na: 3", 3, '"a" is given twice; the first time on line 1'),
        ("x:\n  a: 1\n  a: 2", 3, '"a" is given twice; the first time on line 2'),
        ("a: !!python/object:os.system x", 1, "the tag python/object:os.system is not allowed"),
        ("a: !custom x", 1, "the tag !custom is not allowed"),
        ("a: .nan", 1, ".nan is no JSON"),
        ("a:\n  - .inf", 2, ".inf is no JSON"),
        ("? [a]\n: 1", 1, "a key is a list or a mapping"),
        ("a: &a [*a]", 1, "there is no end to it"),
        ("a:\n  " + "[" * 101 + "]" * 101, 2, "the nesting is too deep"),
        ("a:\n  -" + "9" * 4_001, 2, "a number of 4002 digits is no JSON"),
        ("a: !!int x", 1, "x is no JSON"),
        ("a: !!float x", 1, "x is no JSON"),
        ("a: &a {<<: *a}", 1, "<< merges mappings, and this is none"),
        ("a: {<<: 7}", 1, "<< merges mappings, and this is none"),
        ("a: 1\n  b: 2", 2, "this is no YAML: mapping values are not allowed here"),
        ("a: [1", 1, "this is no YAML"),
        ("a: *nothing", 1, "undefined alias"),
        ("a: \x01", 1, "this is no YAML"),
        ("[" * 3000, 1, "the nesting is too deep"),
    ],
)
def test_what_is_a_problem(text: str, line: int, part: str) -> None:
    (problem,) = read(text).problems
    assert part in problem.what
    assert problem.line == line


def test_aliases_cannot_grow_without_bound() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (problem,) = read("\n".join(rows)).problems
    assert problem.what == "there is no end to it"


def test_lines_are_known_for_everything_and_for_what_is_missing() -> None:
    document = read("# about\na:\n  - x\n  - k: 1\n    l:\n      m: 2\n")
    paths = [(), ("a",), ("a", 0), ("a", 1, "k"), ("a", 1, "l", "m")]
    assert [document.line(path) for path in paths] == [2, 2, 3, 4, 6]
    assert document.line(("a", 1, "none", 3)) == 4
    assert document.line(("zzz",)) == 2


def test_numbers_are_kept_as_they_were_written() -> None:
    document = read("version: 1.10\nsteps: [{name: 007}]")
    assert document.texts == {("version",): "1.10", ("steps", 0, "name"): "007"}


def test_one_text_may_hold_several_documents() -> None:
    assert [d.data for d in read_documents("---\na: 1\n---\nb: 2\n")] == [{"a": 1}, {"b": 2}]


def test_what_comes_before_an_error_is_still_read() -> None:
    first, second = read_documents("a: 1\n---\nb: [")
    assert first.data == {"a": 1}
    assert second.problems
