"""docs/contracts.md lists the keywords that are undecided, and all codes, as the code has them."""

from __future__ import annotations

from typing import get_args

from checks.pages import ROOT, quoted, read_tables

from tasker.comparison import CODES, Who
from tasker.deployment import Code
from tasker_grammar.subset import OUTSIDE

PAGE = ROOT / "docs" / "contracts.md"
OLD_DIALECTS = {"dependencies", "additionalItems", "$recursiveRef"}


def test_the_undecided_keywords_are_those_of_the_code() -> None:
    text = PAGE.read_text("utf-8")
    listed = text.partition("- the keywords")[2].partition(", and dialects")[0]
    assert set(quoted(listed)) == OUTSIDE - OLD_DIALECTS


def test_the_codes_of_changes_are_those_of_the_code() -> None:
    [rows] = read_tables(PAGE, "Two versions of a template")
    assert {quoted(row[0])[0]: row[1] for row in rows} == CODES
    assert all(who in get_args(Who) for row in rows for who in row[2].split(", ") if who)


def test_the_codes_of_what_does_not_fit_are_those_of_the_code() -> None:
    [rows] = read_tables(PAGE, "Tasks under way")
    assert [quoted(row[0])[0] for row in rows] == list(get_args(Code))
