"""`tasker template …` of templates whose steps are compositions: each mistake is told once, where it is."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from tests.cli.conftest import run_nowhere

RESOURCES = """\
endpoints:
  loans:
    base_url: https://library.example
    path: /loans
    result: {type: array, items: {type: object}}
tables:
  overdue:
    table: overdue
    key: [id]
    row:
      type: object
      properties: {id: {type: string}, days: {type: integer}}
      required: [id, days]
      additionalProperties: false
events:
  stored: {payload: {type: object}}
schemas:
  loan: {type: object, properties: {id: {type: string}, days: {type: integer}}, required: [id, days]}
"""
TEMPLATE = """\
name: overdue
namespace_name: library
version: 1.0.0
steps:
  - name: loans
    composition: fetch_validate
    with: {source: loans, schema: loan, on_failure: partition}
  - name: late
    dependencies: [loans]
    composition: save_rows
    input: "[.loans.valid[] | select(.days > 30) | {id, days}]"
    with: {table: overdue}
  - name: tell
    dependencies: [loans, late]
    composition: notify
    input: "{stored: .late.changed, bad: (.loans.invalid | length)}"
    with: {event: stored}
"""


run = partial(run_nowhere, "template")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "resources.yaml").write_text(RESOURCES)
    (tmp_path / "t.yaml").write_text(TEMPLATE)
    return tmp_path


def validate(folder: Path, *changes: tuple[str, str]) -> list[str]:
    """What is found when the template is changed so, without the place of the file and the severity."""
    text = TEMPLATE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (folder / "t.yaml").write_text(text)
    ran = run("validate", folder / "t.yaml", "--resources", folder / "resources.yaml")
    return [line.partition("t.yaml:")[2] for line in ran.out.splitlines() if "t.yaml" in line]


def test_the_template_is_in_order(folder: Path) -> None:
    assert validate(folder) == []


@pytest.mark.parametrize(
    ("change", "line", "code"),
    [
        (("source: loans", "source: loan"), 7, "R501"),
        (("schema: loan,", "schema: laon,"), 7, "R501"),
        (("on_failure: partition", "on_fail: partition"), 7, "P101"),
        (("fetch_validate", "fetch_valid"), 6, "R504"),
        ((".days > 30", ".dayz > 30"), 11, "X101"),
        (("| {id, days}]", "| {id, days}"), 11, "X002"),
        (("{id, days}", "{id}"), 10, "C305"),
    ],
)
def test_what_is_made_of_an_unsound_step_is_not_told_too(
    folder: Path, change: tuple[str, str], line: int, code: str
) -> None:
    [told] = validate(folder, change)
    assert told.startswith(f"{line}: error: ")
    assert told.endswith(f"[{code}]")


def test_all_else_that_is_wrong_is_told_at_once(folder: Path) -> None:
    """Here with a step that reads of an unsound one: its event is told all the same."""
    first, second = validate(
        folder, ("source: loans", "source: loan"), ("{event: stored}", "{event: sent}")
    )
    assert first.endswith("[R501]")
    assert second.startswith("17: ")
    assert second.endswith("[R502]")


def test_a_step_that_declares_what_it_gives_is_still_read_by_that(folder: Path) -> None:
    declared = "    result_schema: {type: object, properties: {invalid: {type: array}}, required: [invalid]}\n"
    changes = (("source: loans", "source: loan"), ("  - name: late", f"{declared}  - name: late"))
    assert [told[-6:] for told in validate(folder, *changes)] == ["[R501]", "[X101]"]


def test_a_step_that_is_not_among_the_dependencies(folder: Path) -> None:
    [told] = validate(folder, ("dependencies: [loans, late]", "dependencies: [loans]"))
    assert told == (
        "16: error: step \"tell\": its input refers to 'late', which it does not depend on. "
        "Add late to its dependencies. [G103]"
    )


def test_a_step_that_is_not_there(folder: Path) -> None:
    [told] = validate(folder, (".late.changed", ".lates.changed"))
    assert (
        "there is no step 'lates', nor anything else of that name. Did you mean \"late\"? [G103]"
        in told
    )


def test_two_steps_with_one_name_are_told_once(folder: Path) -> None:
    [told, *_] = found = validate(
        folder, ("name: tell", "name: late"), ("[loans, late]", "[loans]")
    )
    assert "two steps are named" in told
    assert len(found) == 1


def test_without_resources_it_is_said_how_they_are_given(folder: Path) -> None:
    ran = run("validate", folder / "t.yaml")
    assert ran.code == 1
    assert (
        "there is no endpoint 'loans' (step fetched of the composition). The resources have none."
        in ran.out
    )
    assert "--resources" in ran.out


def test_a_composition_of_ones_own_that_is_not_given(folder: Path) -> None:
    [told] = validate(folder, ("composition: notify", "composition: quite_another"))
    assert "there is no composition 'quite_another'" in told
    assert "Give your own with --compositions" in told


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (('"[.loans.valid[] | select(.days > 30) | {id, days}]"', "loans"), "Did you mean .loans?"),
        (
            ("with: {event: stored}", "with: {event: stored, payload: {a: .input.bad}}"),
            'as a text in quotes: "{id: .input.id}"',
        ),
    ],
)
def test_expressions_that_are_written_as_something_else(
    folder: Path, change: tuple[str, str], hint: str
) -> None:
    [told] = validate(folder, change)
    assert hint in told


def test_a_file_is_shown_with_its_resources(folder: Path) -> None:
    ran = run("show", folder / "t.yaml", "--resources", folder / "resources.yaml", "-o", "tree")
    assert ran.code == 0, ran.err
    assert "fetched" in ran.out


def test_a_registered_template_takes_no_resources(folder: Path) -> None:
    ran = run("show", "library/overdue", "--resources", folder / "resources.yaml")
    assert ran.code == 2
    assert "a registered template keeps its compositions as they were" in ran.err
