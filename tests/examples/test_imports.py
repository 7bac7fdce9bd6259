"""The import: bad rows are set aside, no row is imported twice, and a part that died goes on where it was."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tasker.examples import imports as example
from tasker.examples.imports import TABLE, Import, Report, imports
from tasker.testing import Tasker
from tasker.testing.faults import CrashPoint

ROWS = 1_000
BAD = [7, 130, 999]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of a thousand rows, three of which are bad."""
    rows = [f"name{n},{'old' if n in BAD else n % 90}\n" for n in range(1, ROWS + 1)]
    (tmp_path / "contacts.csv").write_text("name,age\n" + "".join(rows))
    return tmp_path / "contacts.csv"


@pytest.fixture
def table(tasker: Tasker) -> psycopg.Connection:
    """The table that is imported into."""
    connection = psycopg.connect(tasker.database_url, autocommit=True)
    connection.execute(TABLE)
    return connection


def test_good_rows_are_imported_and_bad_ones_named(
    tasker: Tasker, path: Path, table: psycopg.Connection
) -> None:
    with table:
        report = tasker.submit(imports, Import(path=path)).result(Report)
        assert report == Report(imported=ROWS - 3, bad_lines=BAD, failed_parts=0)
        lines = {line for (line,) in table.execute("select line from imported_contact")}
        assert lines == set(range(1, ROWS + 1)).difference(BAD)


def test_a_part_whose_worker_dies_goes_on_where_it_was(
    tasker: Tasker, path: Path, table: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []

    def noted(path: Path, start: int, stop: int) -> Iterator[tuple[int, dict[str, str]]]:
        begun.append(start)
        return read(path, start, stop)

    read = example.read
    monkeypatch.setattr(example, "read", noted)
    tasker.faults.crash_after("save", "load/3", run="checkpoint")
    with table:
        report = tasker.submit(imports, Import(path=path)).result(Report)
        assert report.imported == ROWS - 3
        assert table.execute("select count(*) from imported_contact").fetchone() == (ROWS - 3,)
    assert 225 in begun, "the third part went on after its first checkpoint"


@pytest.mark.parametrize("point", ["claim", "handler", "commit"])
def test_no_row_is_imported_twice_wherever_a_worker_dies(
    tasker: Tasker, path: Path, table: psycopg.Connection, point: CrashPoint
) -> None:
    tasker.faults.crash_after(point, "load/2")
    with table:
        report = tasker.submit(imports, Import(path=path)).result(Report)
        assert report.imported == ROWS - 3
        assert table.execute("select count(*) from imported_contact").fetchone() == (ROWS - 3,)


def test_a_part_that_fails_for_good_does_not_stop_the_others(
    tasker: Tasker, path: Path, table: psycopg.Connection
) -> None:
    with table:
        table.execute("insert into imported_contact values (150, 'was there', 1)")
        report = tasker.submit(imports, Import(path=path)).result(Report)
        assert report.failed_parts == 1
        assert report.imported == ROWS - 100 - 2
        assert table.execute("select count(*) from imported_contact").fetchone() == (
            ROWS - 100 - 2 + 1,
        )
