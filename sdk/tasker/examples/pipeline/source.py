"""Reads the file of measurements, as the field team keeps it. Touches the file system."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

from tasker import PermanentError
from tasker.examples.pipeline.models import Birds, Penguin

__all__ = ["read_birds"]

# The file says "Adelie Penguin (Pygoscelis adeliae)", "NA" where nothing was measured, and culmen
# for the bill's ridge.
_COLUMNS = {
    "bill_length_mm": "Culmen Length (mm)",
    "bill_depth_mm": "Culmen Depth (mm)",
    "flipper_length_mm": "Flipper Length (mm)",
    "body_mass_g": "Body Mass (g)",
}


def read_birds(path: str | None) -> Birds:
    """Read a file, or the one that comes with this package. Raises PermanentError when it is not
    such a file.
    """
    birds: dict[str, list[Penguin]] = defaultdict(list)
    with _located(path) as file, file.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            try:
                birds[row["Species"].split()[0]].append(_read(row))
            except (KeyError, ValueError, IndexError) as error:
                raise PermanentError(
                    f"{file.name} is no table of penguins: {error!r} in {row}"
                ) from error
    return Birds(by_species=dict(birds))


def _read(row: dict[str, str]) -> Penguin:
    return Penguin.model_validate(
        {name: None if row[column] == "NA" else row[column] for name, column in _COLUMNS.items()}
    )


@contextmanager
def _located(path: str | None) -> Generator[Path]:
    if path is not None:
        yield Path(path)
        return
    with as_file(files("tasker.examples.pipeline") / "data" / "penguins_raw.csv") as carried:
        yield carried
