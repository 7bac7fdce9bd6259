"""What the documentation shows of results: condensed, of which commit, drawn; and that it is what is committed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from tasker_benchmarks.docs import IMAGES, SHOWN, draw_images, show
from tasker_benchmarks.results import About, Figure, Results, append, read

ROOT = Path(__file__).parents[2]
ABOUT = About("abc1234", "2026-01-01", "2 cores", "18.4")


def record(executor: str, rate: float, scenario: str = "single") -> dict[str, Any]:
    return {"scenario": scenario, "executor": executor, "rate": rate, "unsupported": None}


def growth(study: str, value: float) -> list[Figure]:
    axis = {"axis": "how many"}
    return [
        Figure(study, name, x, value, unit, axis)
        for x in (0, 10, 1_000)
        for name, unit in (
            ("all", "steps a second"),
            ("all, database CPU", "µs a step"),
            ("all, client CPU", "µs a step"),
        )
    ]


def results(
    records: list[dict[str, Any]], figures: list[Figure], commit: str = "abc1234"
) -> Results:
    return Results(
        records,
        figures,
        {"commit": commit, "taken_on": "2026-01-01", "machine": "2 cores", "server": "18.4"},
    )


def shown(folder: Path) -> dict[str, Any]:
    return orjson.loads((folder / "figures.json").read_bytes())


def test_results_become_medians_and_pictures(tmp_path: Path) -> None:
    rates = [record("tasker", 10), record("tasker", 30), record("tasker", 20), record("dbos", 2)]
    made = show(
        [results([*rates, record("tasker", 5, "chain_40")], growth("history", 7))], tmp_path
    )
    assert [path.name for path in made] == ["figures.json", "peers.svg", "history.svg"]
    assert shown(tmp_path)["peers"]["rates"] == {"single": {"tasker": 20, "dbos": 2}}
    svg = (tmp_path / "peers.svg").read_text()
    assert ">tasker</text>" in svg and "commit abc1234" in svg  # text is text
    svg = (tmp_path / "history.svg").read_text()
    assert ">how many</text>" in svg and ">1,000</text>" in svg


def test_new_results_replace_those_of_the_same_study_alone(tmp_path: Path) -> None:
    show([results([], growth("history", 7) + growth("workers", 1))], tmp_path)
    show([results([], growth("history", 9), commit="def5678")], tmp_path)
    found = shown(tmp_path)
    assert {name: each["about"]["commit"] for name, each in found.items()} == {
        "history": "def5678",
        "workers": "abc1234",
    }
    assert found["history"]["points"][0]["value"] == 9


def test_what_is_not_shown_changes_nothing(tmp_path: Path) -> None:
    show([results([], growth("history", 7))], tmp_path)
    before = shown(tmp_path)
    alone = [record("tasker", 9), record("tasker", 9, "chain_4")]  # nobody beside it
    show([results(alone, [Figure("recovery", "lease 1", None, 1, "s", {})])], tmp_path)
    assert shown(tmp_path) == before


def test_results_of_no_commit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="history do not say of which commit"):
        show([Results([], growth("history", 7))], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_says_of_what_it_is(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    append(file, ABOUT)
    append(file, growth("history", 7)[0])
    found = read([file])
    assert found.about is not None and found.about["commit"] == "abc1234"
    assert (len(found.figures), found.records) == (1, [])


def test_the_pictures_in_the_documentation_are_those_of_its_figures(tmp_path: Path) -> None:
    folder = ROOT / IMAGES
    made = draw_images(folder, tmp_path)
    graphs = {"template.svg", "task.svg"}  # which checks/pictures.py draws
    assert {path.name for path in folder.glob("*.svg")} - graphs == {path.name for path in made}
    assert len(made) == len(SHOWN)
    for path in made:
        assert path.read_text() == (folder / path.name).read_text(), (
            "python -m tasker_benchmarks docs"
        )
        assert path.stat().st_size < 60_000
        text = "".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))
        assert f"(images/{path.name})" in text
