"""Results as pictures, each as PNG and SVG. Touches files."""

# pyright: reportUnknownMemberType=false
# matplotlib leaves the types of its keyword arguments open.

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure as Picture

from tasker_benchmarks.results import Figure, Results, group, median

__all__ = ["draw_plots"]

mpl.use("Agg")


def draw_plots(results: Results, folder: Path) -> list[Path]:
    """Draw the comparison, and each study that has an axis; the files made."""
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    if results.records:
        made += _save(_draw_rates(results.records), folder / "rates")
    for study in dict.fromkeys(f.study for f in results.figures if f.x is not None):
        of = [f for f in results.figures if f.study == study and f.x is not None]
        made += _save(_draw_study(study, of), folder / study.replace(" ", "_"))
    return made


def _draw_rates(records: Iterable[dict[str, Any]]) -> Picture:
    grouped = group(records)
    executors = list(dict.fromkeys(name for runs in grouped.values() for name in runs))
    picture, axes = plt.subplots(figsize=(max(8.0, 1.6 * len(grouped)), 5))
    width = 0.8 / len(executors)
    for place, executor in enumerate(executors):
        rates = [median(runs.get(executor, []), "rate") for runs in grouped.values()]
        at = [n + place * width for n, rate in enumerate(rates) if rate]
        axes.bar(at, [rate for rate in rates if rate], width, label=executor)
    axes.set_yscale("log")
    axes.set_ylabel("steps a second (log)")
    axes.set_xticks([n + 0.4 for n in range(len(grouped))], list(grouped), rotation=20)
    axes.legend(ncols=4, fontsize="small")
    axes.grid(axis="y", alpha=0.3)
    return picture


def _draw_study(study: str, figures: Sequence[Figure]) -> Picture:
    units = list(dict.fromkeys(figure.unit for figure in figures))
    picture, all_axes = plt.subplots(1, len(units), figsize=(6 * len(units), 4.5), squeeze=False)
    for unit, axes in zip(units, all_axes[0], strict=True):
        of = [figure for figure in figures if figure.unit == unit]
        for series in dict.fromkeys(figure.series for figure in of):
            points = sorted((f.x, f.value) for f in of if f.series == series and f.x is not None)
            axes.plot([x for x, _ in points], [y for _, y in points], marker="o", label=series)
        if max(f.x or 0 for f in of) > 100 * max(1, min(f.x or 0 for f in of)):
            axes.set_xscale("symlog", linthresh=1)
        axes.set_ylim(bottom=0)
        axes.set_ylabel(unit)
        axes.set_xlabel(str(of[0].settings.get("axis", "")))
        axes.legend(fontsize="small")
        axes.grid(alpha=0.3)
    picture.suptitle(study)
    return picture


def _save(picture: Picture, path: Path) -> list[Path]:
    files = [path.with_suffix(".png"), path.with_suffix(".svg")]
    for file in files:
        picture.savefig(file, bbox_inches="tight", dpi=120)
    plt.close(picture)
    return files
