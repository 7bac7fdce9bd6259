"""The figures that the documentation shows: a small file of JSON, and the pictures made of it. Touches docs/images.

What is shown of each study, and of the comparison with others, is replaced when there are new results of it, and stays
as it is otherwise. Each has its commit, day, machine and server beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from tasker_benchmarks.doc_plots import draw_growth, draw_peers
from tasker_benchmarks.results import Results, group, median

__all__ = ["IMAGES", "SHOWN", "draw_images", "show"]

IMAGES = Path("docs/images")
_FIGURES = "figures.json"

PEERS = "peers"
_SCENARIOS = ("single", "chain_4", "diamond")
_STUDIES = ("steps per task", "history", "workers", "connections")
SHOWN = (PEERS, *_STUDIES)

Shown = dict[str, Any]


def show(results: Iterable[Results], folder: Path) -> list[Path]:
    """Take the medians of results into the folder's figures, and draw its pictures; the files that were written.

    Raises ValueError where results do not say of which commit they are.
    """
    file = folder / _FIGURES
    shown: Shown = orjson.loads(file.read_bytes()) if file.exists() else {}
    for each in results:
        for name, found in _condense(each):
            if each.about is None:
                raise ValueError(f"these results of {name} do not say of which commit they are")
            shown[name] = {"about": dict(each.about), **found}
    folder.mkdir(parents=True, exist_ok=True)
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    file.write_bytes(
        orjson.dumps({name: shown[name] for name in SHOWN if name in shown}, option=options)
    )
    return [file, *draw_images(folder, folder)]


def draw_images(figures: Path, into: Path) -> list[Path]:
    """Draw the pictures of the figures in one folder into another; the files that were written."""
    shown: Shown = orjson.loads((figures / _FIGURES).read_bytes())
    made: list[Path] = []
    for name, each in shown.items():
        path = into / f"{name.replace(' ', '_')}.svg"
        draw = draw_peers if name == PEERS else draw_growth
        draw(each, path)
        made.append(path)
    return made


def _condense(results: Results) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What is shown of some results, by name."""
    rates = {
        scenario: {name: round(rate) for name, of in runs.items() if (rate := median(of, "rate"))}
        for scenario, runs in group(results.records).items()
        if scenario in _SCENARIOS
    }
    # Of this engine alone there is nothing to compare.
    if any(len(of) > 1 for of in rates.values()):
        yield PEERS, {"rates": rates}
    for study in _STUDIES:
        points = [
            {"series": f.series, "x": f.x, "value": round(f.value, 1), "unit": f.unit}
            for f in results.figures
            if f.study == study
        ]
        if points:
            axis = next(f.settings.get("axis") for f in results.figures if f.study == study)
            yield study, {"axis": axis, "points": points}
