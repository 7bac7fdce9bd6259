"""Results as lines of JSON in a file, and what is said of several runs of one. Touches files."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from tasker.bench.record import Record

__all__ = ["About", "Figure", "Results", "append", "group", "median", "read"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A value of a study: of one series, at one place on its axis (None: it has no axis)."""

    study: str
    series: str
    x: float | None
    value: float
    unit: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class About:
    """Of what the results in a file are; its first line. `commit` ends in "+" where something was not committed."""

    commit: str
    taken_on: str
    machine: str
    server: str


@dataclass(frozen=True, slots=True)
class Results:
    """What files hold: the records as JSON, and the figures of studies; of what the last one is, if it says so."""

    records: list[dict[str, Any]]
    figures: list[Figure]
    about: Mapping[str, str] | None = None


def append(file: Path, what: About | Record | Figure) -> None:
    """Add a line."""
    match what:
        case About():
            document: dict[str, Any] = {"about": asdict(what)}
        case Record():
            document = what.to_json()
        case Figure():
            document = asdict(what)
    with file.open("ab") as out:
        out.write(orjson.dumps(document) + b"\n")


def read(files: Iterable[Path]) -> Results:
    """Read files of results."""
    lines = [orjson.loads(line) for file in files for line in file.read_bytes().splitlines()]
    about = [line["about"] for line in lines if "about" in line]
    records = [line for line in lines if "study" not in line and "about" not in line]
    figures = [Figure(**line) for line in lines if "study" in line]
    return Results(records, figures, about[-1] if about else None)


def group(records: Iterable[dict[str, Any]]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """The records by scenario and executor, in the order in which they came."""
    grouped: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        grouped[record["scenario"]][record["executor"]].append(record)
    return grouped


def median(records: Iterable[dict[str, Any]], *path: str) -> float | None:
    """The median over runs of a value somewhere in the records; None where it was not taken."""
    supported = (record for record in records if record.get("unsupported") is None)
    values = [value for record in supported if (value := _find(record, path)) is not None]
    return statistics.median(values) if values else None


def _find(record: Any, path: Sequence[str]) -> float | None:
    """The value below these names; None where one of them is missing or None."""
    for name in path:
        record = None if record is None else record.get(name)
    return record
