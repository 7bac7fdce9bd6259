"""The penguins without the pipeline."""

import csv
from importlib.resources import files

DATA = files("tasker.examples.pipeline") / "data"
MEASUREMENTS = (
    "Culmen Length (mm)",
    "Culmen Depth (mm)",
    "Flipper Length (mm)",
    "Body Mass (g)",
)


def measured(species: str | None = None) -> list[tuple[float, ...]]:
    """Read the complete rows straight from the file."""
    rows = csv.DictReader((DATA / "penguins_raw.csv").read_text(encoding="utf-8").splitlines())
    return [
        tuple(float(row[name]) for name in MEASUREMENTS)
        for row in rows
        if (species is None or row["Species"].startswith(species))
        and "NA" not in [row[name] for name in MEASUREMENTS]
    ]
