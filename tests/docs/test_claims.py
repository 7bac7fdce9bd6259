"""What the documentation claims can be looked up in the code."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from checks.pages import PAGES, ROOT, quoted, read_tables
from checks.sql_reference import ROLES, read_functions

DEPLOYMENT = ROOT / "docs" / "deployment.md"

INSTRUMENT = re.compile(r'create_\w+\(\s*"(tasker\.[\w.]+)"')
SPAN = re.compile(r'start_(?:as_current_)?span\(\s*f?"(tasker\.[\w.]+)')


def test_links_references_and_pages_are_in_order() -> None:
    check = [sys.executable, str(ROOT / "checks" / "docs.py")]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_make_help_lists_all_that_can_be_made() -> None:
    [targets] = re.findall(r"^\.PHONY: help (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.M)
    done = subprocess.run(
        ["make", "-s", "-C", ROOT, "help"], capture_output=True, text=True, check=True
    )
    assert {line.split()[1] for line in done.stdout.splitlines()} == set(targets.split())


@pytest.fixture
def guarantees(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The check of the page of guarantees."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "checks"), *sys.path])
    return importlib.import_module("guarantees")


def test_each_guarantee_has_tests_that_are_collected(guarantees: Any) -> None:
    promises = guarantees.read_promises()
    assert len(promises) >= 50
    named = {(name, path) for promise in promises for name, path in promise.tests}
    files = sorted({str(path.relative_to(ROOT)) for _, path in named})
    collect = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-p",
        "no:cacheprovider",
        *files,
    ]
    done = subprocess.run(collect, cwd=ROOT, capture_output=True, text=True, check=True)
    collected = set(re.findall(r"^([\w/]+\.py)::(\w+)", done.stdout, re.M))
    missing = {name for name, path in named if (str(path.relative_to(ROOT)), name) not in collected}
    assert missing == set()


def test_a_guarantee_that_nothing_holds_is_found(guarantees: Any, tmp_path: Path) -> None:
    page, readme, test = (tmp_path / name for name in ("page.md", "readme.md", "test_x.py"))
    test.write_text("def test_there(): pass\ndef helper(): pass\n")
    head = "| | Promise | Not covered | Tests |\n| --- | --- | --- | --- |\n"
    page.write_text(
        f"# Page\n\n## One\n\n{head}| 1 | It holds. | | [`test_there`](test_x.py) |\n"
        "| 2 | It is gone. | | [`test_gone`](test_x.py), [`helper`](test_x.py) |\n"
        "\n## Two\n\n" + head + "| 4 | Nobody says. | | |\n"
        "\n## Figures\n\n| Promise | Bound |\n| --- | --- |\n| 4, 9 | much |\n"
    )
    readme.write_text("## Guarantees\n\n| | Guarantee |\n| --- | --- |\n| 1 | It does not. |\n")
    assert list(guarantees.find_faults(page, readme)) == [
        "the promises are not numbered from 1 on",
        "promise 2: there is no test test_gone in test_x.py",
        "promise 2: there is no test helper in test_x.py",
        "promise 4 names no test",
        "README, guarantee 1: not what docs/guarantees.md promises",
        "figures of promises that there are not: 9",
    ]


def test_rates_stand_in_one_place() -> None:
    """Another page would say something else as soon as they are measured anew."""
    rate = re.compile(r"\d[\d,]{2,} (?:steps|jobs)/s")
    own = {
        ROOT / "docs" / "benchmarks.md",
        ROOT / "docs" / "performance.md",
    }  # the last: of back then
    assert rate.search((ROOT / "docs" / "benchmarks.md").read_text("utf-8"))
    assert {p.name for p in PAGES if p not in own and rate.search(p.read_text("utf-8"))} == set()
    targets = (ROOT / "docs" / "performance.md").read_text("utf-8").split("## Targets")[1]
    assert rate.findall(targets.split("##")[0]) == ["8,000 steps/s"]  # the target itself


def test_the_readme_leads_each_reader_to_their_pages() -> None:
    begin = "## Read on"
    further = (ROOT / "README.md").read_text("utf-8").split(begin)[1].split("\n## ")[0]
    wanted = ("bridge", "performance", "benchmarks", "guarantees", "deployment", "handlers")
    assert [page for page in wanted if f"(docs/{page}.md)" not in further] == []


def test_spans_and_metrics_are_those_of_the_code() -> None:
    spans, metrics = read_tables(DEPLOYMENT, "OpenTelemetry")
    telemetry = (ROOT / "sdk" / "tasker" / "telemetry.py").read_text("utf-8")
    registrar = ROOT / "orchestration" / "tasker_orchestration" / "registrar.py"
    code = telemetry + registrar.read_text("utf-8")
    assert {quoted(row[0])[0].split()[0] for row in spans} == set(SPAN.findall(code))
    assert {quoted(row[0])[0] for row in metrics} == set(INSTRUMENT.findall(code))


def test_the_sql_reference_is_what_the_database_says(database: str) -> None:
    documented = {function.name: function.roles for function in read_functions()}
    query = """
        select p.proname, array(
            select r from unnest(%s::text[]) with ordinality as t(r, n)
            where has_function_privilege(r, p.oid, 'execute') order by n)
        from pg_proc p where p.pronamespace = 'tasker'::regnamespace
    """
    with psycopg.connect(database) as connection:
        found = {name: tuple(roles) for name, roles in connection.execute(query, [list(ROLES)])}
    assert documented == found


def test_what_is_wrong_with_a_page_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "checks"), *sys.path])
    check = importlib.import_module("docs")
    index, page, lost = (tmp_path / "docs" / f"{name}.md" for name in ("index", "page", "lost"))
    index.parent.mkdir()
    index.write_text("# Index\n[page](page.md)\n")
    lost.write_text("# Lost\n")
    page.write_text(
        "# A heading\n[right](#a-heading) [wrong](#another) [gone](gone.md)\n\nsee /home/somebody\n"
    )
    monkeypatch.setattr(check, "ROOT", tmp_path)
    monkeypatch.setattr(check, "PAGES", [index, page, lost])
    monkeypatch.setattr(check, "DOCS", [index, page, lost])
    monkeypatch.setattr(check, "GENERATED", {})
    monkeypatch.setattr(check.guarantees, "find_faults", lambda: [])
    assert list(check.find_faults()) == [
        "docs/page.md:2: docs/page.md has no heading #another",
        "docs/page.md:2: gone.md is not there",
        "docs/page.md:4: a path of one machine",
        "docs/lost.md: docs/index.md does not lead to it",
    ]
