"""The programs in examples/, as a reader runs them: with nothing but the package."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Make a folder for an embedded server, which runs as another user when we are root."""
    folder = Path(tempfile.mkdtemp(prefix="tasker-home-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def run(program: str, home: Path) -> list[str]:
    environment = {k: v for k, v in os.environ.items() if k != "TASKER_DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / program)],
        env=environment | {"TASKER_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_orders_program_prints_receipts_and_what_was_declined(home: Path) -> None:
    _, *orders, books = run("run_orders.py", home)
    paid = [line for line in orders if re.search(r"Paid 23\.20 €\. Parcel trk_\w{12}\.$", line)]
    assert len(orders) == 5
    assert len(paid) == 4
    assert "CardDeclined" in orders[-1]
    assert books == "9 calls to the payment service, 4 charges"


def test_nightly_program_prints_its_nights_and_closes_a_day(home: Path) -> None:
    *nights, text = run("run_nightly.py", home)
    assert [bool(re.fullmatch(r"fires at \S+ 0[01]:30 UTC", night)) for night in nights] == [
        True
    ] * 3
    assert re.fullmatch(r"The books of \w+day, .* are closed\.", text)


def test_pipeline_program_prints_what_it_found(home: Path) -> None:
    [text] = run("run_pipeline.py", home)
    assert text.startswith("342 of 344 penguins measured.")
